"""How a job's process begins and ends."""

from __future__ import annotations

import posix as os  # as environment.py says
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, NoReturn


def run(main: Callable[[list[str]], int]) -> NoReturn:
    """Run `main` with the command line's arguments and leave with the exit code it returns.

    Leaves through os._exit: the interpreter's own way out would close the database, outside of the lock and with
    a checkpoint and its syncs for each run. An exception that gets here is a bug and shows its traceback.
    """
    code = 1
    try:
        code = main(sys.argv[1:])
    except SystemExit as leaving:  # argparse
        code = leaving.code if isinstance(leaving.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # as in: query | head -1
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        _suspect()
    try:
        sys.stdout.flush()
    except OSError:  # the reader of a pipe has left
        code = code or 1
    try:  # noqa: SIM105 - contextlib costs a millisecond
        sys.stderr.flush()
    except OSError:  # nobody hears what was said; it is done nevertheless
        pass
    os._exit(code)  # noqa: SLF001 - the documented name


def _suspect() -> None:
    """The bug may be one of the card."""
    try:
        from .suspicion import suspect

        suspect()
    except Exception:
        sys.excepthook(*sys.exc_info())
