"""What is fuzzed: something that takes input from outside, and what may come of it.

It may refuse, with the exceptions that its docstring names. Whatever else it raises is a crash, and so is a property
that does not hold: those are asserted.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Callable, NamedTuple

from belabox_metrics.errors import NoData, Problem

FIXTURES = Path(__file__).parents[1] / "fixtures"
NOW_MS = 1_795_200_000_000
REFUSALS = (Problem, NoData)


class Target(NamedTuple):
    """`parse` takes what came. `examples`: files below `tests/fixtures`, or texts or bytes of their own."""

    name: str
    parse: Callable[[bytes], object]
    examples: list[Path | str | bytes]

    def seeds(self) -> list[bytes]:
        found = []
        for example in self.examples:
            if isinstance(example, Path):
                found.append(example.read_bytes())
            else:
                found.append(example if isinstance(example, bytes) else example.encode())
        return found or [b""]


def text_of(data: bytes) -> str:
    """As `source.read_text` reads a file."""
    return data.decode("utf-8", "backslashreplace")


def of_text(parse: Callable[[str], object], *also: type[Exception]) -> Callable[[bytes], object]:
    def call(data: bytes) -> object:
        with suppress(*REFUSALS, *also):
            return parse(text_of(data))
        return None

    return call


def of_file(path: str, parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """Of one that opens its file below a root: parse(root)."""

    def call(data: bytes) -> object:
        root = scratch()
        file = Path(root + path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        with suppress(*REFUSALS):
            return parse(root)
        return None

    return call


@cache
def scratch() -> str:
    """A folder for as long as this process lives; in memory, where what is synced costs nothing."""
    # A hunt is ended by libFuzzer, which tidies nothing up: whoever started it does, where TMPDIR says.
    there = "/dev/shm" if Path("/dev/shm").is_dir() and "TMPDIR" not in os.environ else None
    folder = tempfile.TemporaryDirectory(prefix="fuzz-", dir=there)
    atexit.register(folder.cleanup)
    return folder.name
