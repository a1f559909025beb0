"""How a job's process begins and ends."""

from __future__ import annotations

import posix as os  # as environment.py says
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Callable, NoReturn

# Where Python has the frames of those who read modules.
_LOADER = "<frozen importlib._bootstrap_external>"


def run(main: Callable[[list[str]], int]) -> NoReturn:
    """Run `main` with the command line's arguments and leave with the exit code it returns.

    Leaves through os._exit: the interpreter's own way out would close the database, outside of the lock and with
    a checkpoint and its syncs for each run. An exception that gets here is a bug and shows its traceback, but for a
    part of the program that can't be loaded: where a disk gives back nothing any more, what would say so may be such.
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
        if not (_is_told_as_unloaded(error)):
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


def _is_told_as_unloaded(error: BaseException) -> bool:
    """Whether a part of the program, or of Python, could not be loaded: that is told in a line; in the journal, if the
    part for that is there."""
    if isinstance(error, ImportError):  # Python takes a file that it can't look for as one that is missing
        what, where = f"a part of the program can't be loaded: {error}", ""
    elif isinstance(error, OSError) and (reader := _reader(error)) is not None:
        # A read that fails names no file, but who was about it has it.
        what, where = f"a part of the program can't be read: {error.strerror}", str(reader.f_locals.get("path", ""))
    else:
        return False
    from .errors import Problem  # whose main is running has loaded it

    problem = Problem(what, where=where, hint="journalctl -k tells of a disk that fails; else install again")
    door = sys.argv[0].rpartition("/")[2].partition(".")[0]
    # The command's name is no job's, its first word is.
    job = sys.argv[1] if door in ("cli", "belabox-metrics") and len(sys.argv) > 1 else door
    try:
        from .journal import failure

        failure(problem, job=job)
    except Exception:
        try:  # noqa: SIM105 - it may not be there to load either
            sys.stderr.write(f"belabox-metrics {job}: {problem}\n")
        except OSError:  # nobody hears it
            pass
    return True


def _reader(error: OSError) -> FrameType | None:
    """The frame of who failed, if it is of those who read modules."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last.tb_frame if last is not None and last.tb_frame.f_code.co_filename == _LOADER else None
