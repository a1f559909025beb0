"""What jobs tell of themselves, a line each, when thousands of them run in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Standard output and error go nowhere, of this process and what it starts."""
    kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in kept:
        os.dup2(nowhere, descriptor)
    try:
        yield
    finally:
        for descriptor, before in kept.items():
            os.dup2(before, descriptor)
            os.close(before)
        os.close(nowhere)
