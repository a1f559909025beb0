"""Where an export goes: into a file that is whole or not there, or down a pipe; packed if that is wanted."""

from __future__ import annotations

import os
import zlib
from contextlib import contextmanager

from ..errors import UsageProblem
from .file import MODE, WholeFile, unwritable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Callable

    Write = Callable[[bytes], object]

# A third of the CPU of the best, for a twentieth more bytes.
LEVEL = 6
STDOUT = 1
_GZIP = zlib.MAX_WBITS | 16


@contextmanager
def opened(path: str, packed: bool, *, replace: bool = False, mode: int = MODE) -> Iterator[Write]:
    """`with opened(path, packed) as write:`; "" is stdout, where a reader that leaves is a BrokenPipeError.

    A file gets its name when the block has ended well; with `replace` be it that of another one. Raises UsageProblem
    for what can't be written to, StoreProblem when the disk is full."""
    if path:
        if not replace and os.path.isfile(path):
            raise UsageProblem("is there already", where=path, hint="take another name, or replace it with --force")
        with WholeFile(path, replace=replace, mode=mode) as file, _packing(file.write, packed) as write:
            yield write
    elif packed and os.isatty(STDOUT):
        raise UsageProblem("a terminal can't show it", where="--gzip", hint="-o FILE, or into a pipe")
    else:
        with _packing(_down_the_pipe, packed) as write:
            yield write


@contextmanager
def _packing(write: Write, packed: bool) -> Iterator[Write]:
    """gzip without a name and a time: the same samples are the same bytes."""
    if not packed:
        yield write
        return
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
    yield lambda piece: write(packer.compress(piece))
    write(packer.flush())


def _down_the_pipe(data: bytes) -> None:
    """Without a buffer, so that nothing is left to be written by who cleans up after the reader has gone."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(STDOUT, left) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unwritable("stdout", error) from error
