"""The text of the configuration file: bounded, and never anything but text."""

from __future__ import annotations

import os
import stat

from ..errors import ConfigProblem

# Bytes. The documented file has 4 KB.
LIMIT = 256 * 1024


def read_text(path: str) -> str:
    """The whole file. Raises ConfigProblem when it is missing, unreadable, no file, too long or not UTF-8."""
    data = _read(path)
    if len(data) > LIMIT:
        raise ConfigProblem(f"is longer than {LIMIT // 1024} KiB", where=path, hint="is this the right file?")
    try:
        # An editor on Windows leaves a byte order mark, which means nothing here.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise ConfigProblem("is not UTF-8 text", where=f"{path}:{line}", hint="save it as UTF-8") from None
    for at, char in enumerate(text):
        if (char < " " and char not in "\t\n\r") or char == "\x7f":
            line = text.count("\n", 0, at) + 1
            raise ConfigProblem(f"has the control character {char!a}", where=f"{path}:{line}", hint="remove it")
    return text


def _read(path: str) -> bytes:
    try:
        # O_NONBLOCK: a FIFO in its place must not make a job wait for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ConfigProblem("does not exist", where=path, hint="copy configs/config.yaml there") from None
    except (OSError, ValueError) as fault:
        hint = "use sudo" if isinstance(fault, PermissionError) else ""
        raise ConfigProblem(f"can't be read: {_reason(fault)}", where=path, hint=hint) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ConfigProblem("is not a file", where=path)
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(LIMIT + 1)
    except OSError as fault:
        raise ConfigProblem(f"can't be read: {_reason(fault)}", where=path) from None
    finally:
        os.close(handle)


def _reason(fault: Exception) -> str:
    return (fault.strerror if isinstance(fault, OSError) else None) or str(fault)
