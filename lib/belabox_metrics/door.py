"""How a job's process begins and ends."""

from __future__ import annotations

import posix as os  # as environment.py says
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, NoReturn

# Where Python has the frames of those who read modules.
_LOADER = "<frozen importlib._bootstrap_external>"


def run(main: Callable[[list[str]], int]) -> NoReturn:
    """Run `main` with the command line's arguments and leave with the exit code it returns.

    Leaves through os._exit: the interpreter's own way out would close the database, outside of the lock and with
    a checkpoint and its syncs for each run. An exception that gets here is a bug and shows its traceback, but where a
    disk gives back nothing any more: then what would say so may not be there to load.
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
    except BaseException as error:
        if not (isinstance(error, (OSError, ImportError)) and _tells_unloaded(error)):
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


def _tells_unloaded(error: OSError | ImportError) -> bool:
    """Whether a part of the program, or of Python, could not be loaded: that is told in a line; in the journal, if the
    part for that is there."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    what = f"a part of the program can't be loaded: {error}"
    where = ""
    # Python takes a file that it can't look for as one that is missing.
    if not isinstance(error, ImportError):
        if last is None or last.tb_frame.f_code.co_filename != _LOADER:
            return False
        what = f"a part of the program can't be read: {error.strerror}"
        # A read that fails names no file, but who was about it has it.
        where = str(last.tb_frame.f_locals.get("path", ""))
    hint = "journalctl -k tells of a disk that fails; else install again"
    door = sys.argv[0].rpartition("/")[2].partition(".")[0]
    # The command's name is no job's, its first word is.
    job = sys.argv[1] if door in ("cli", "belabox-metrics") and len(sys.argv) > 1 else door
    try:
        from .errors import Problem
        from .journal import failure

        failure(Problem(what, where=where, hint=hint), job=job)
    except Exception:
        try:
            place = f"{where}: " if where else ""
            sys.stderr.write(f"belabox-metrics {job}: {place}{what} ({hint})\n")
        except OSError:  # nobody hears it
            pass
    return True
