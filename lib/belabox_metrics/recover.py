"""A damaged database: another in its place, at once; and the job `recover`, which brings over what can be read of it.

Whatever job meets damage comes here, asks whether that is so, and goes on with a new database. Nobody else moves one.
"""

from __future__ import annotations

import contextlib
import os
import time

from . import clock, journal, takeover
from .distribution import make_importable
from .environment import variable
from .errors import Damaged, Problem, StoreProblem, TryLater, Unwritable
from .store import damage, header, importer, quarantine, rolled, runs, salvage
from .store.database import DatabaseError, Store, database_path, problem
from .store.lock import Lock
from .store.takeover import resume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .store.importer import Import
    from .store.quarantine import Aside

# Others wait for ten seconds; this one must have time to look into the file after that.
WAIT_S = 10.0
# Named in units/belabox-metrics-recover.path as well.
WANTED = "/run/belabox-metrics/recover-wanted"
# Beside it, when suspect() last asked: ms since boot.
_ASKED = ".asked"
ASK_AGAIN_MS = 3_600_000
# Where SQLite itself has met what a short look has not found.
HEAL_AGAIN_MS = 60_000
# Root, who may be here too, follows no link that a job has left, and waits at no pipe.
_CAREFUL = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def main(_arguments: list[str]) -> int:
    store = Store(database_path())
    turn = Lock(f"{store.path}.recover", 1.0)
    try:
        turn.acquire()
        recover(store)
        _forget_wanted()
    except (Problem, DatabaseError) as caught:
        failed = problem(caught, store.path)
        if isinstance(failed, Unwritable):
            # It is tried again each minute.
            from .refused import refused

            return refused(failed, job="recover", message_id=journal.JOB_FAILED)
        return journal.failure(failed, job="recover")
    finally:
        turn.release()
    return 0


def heal(path: str, job: str, known: str = "", of: int = 0) -> None:
    """Put a new database in the place of the one at `path`, if that is damaged. Where it is not, perhaps as another job
    was quicker, nothing is done. Where its settings are not what was compiled that is mended, and may be all that is
    amiss. `known`: what a whole check has found wrong in the file of the inode `of`.

    Raises StoreProblem where it can't be moved, TryLater when the lock is not to be had."""
    if not known:
        _compile_again(path)
    lock = Lock(path + ".lock", WAIT_S)
    lock.acquire()
    why = ""
    try:
        why = known if known and of == damage.inode(path) else damage.found(path)
        aside = _moved(path, why) if why else None
    finally:
        lock.release()
        # Also where it was moved and that could not be noted: a full disk.
        _want() if why else _suspect(HEAL_AGAIN_MS)
    if aside is None:
        return
    journal.record(
        f"{path}: {why}; moved to {aside.path}, a new one is begun",
        priority=journal.ERROR,
        message_id=journal.DATABASE_DAMAGED,
        job=job,
        error=why,
        error_type=Damaged.__name__,
        file=aside.path,
    )
    # Compiled settings are read by the jobs that come next, an uploader with none would send nothing.
    make_importable()
    from .schedule.compile import compile_settings

    compile_settings(path)


def suspect(again_ms: int = ASK_AGAIN_MS) -> None:
    """After a bug that may be none: a card that gives back what was never written makes a database hold what no job
    expects, and the next run as little as this one. The job `recover` looks it over, if nobody has asked for that for
    `again_ms`: a bug comes again with each run. Raises OSError where nobody may be asked."""
    now_ms = clock.boottime_ms()
    place = _wanted() + _ASKED
    with contextlib.suppress(OSError, ValueError), open(os.open(place, os.O_RDONLY | _CAREFUL), "rb") as asked:
        if 0 <= now_ms - int(asked.read(32) or b"") < again_ms:
            return
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place)
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CAREFUL, 0o640), "wb") as asked:
        asked.write(b"%d\n" % now_ms)
    _want()


def _suspect(again_ms: int) -> None:
    with contextlib.suppress(OSError):
        suspect(again_ms)


def recover(store: Store) -> None:
    """Look the whole database over, and its settings, if somebody met damage in it, and bring in what was moved aside,
    all of it."""
    of = damage.inode(store.path)
    is_wanted = os.access(_wanted(), os.F_OK)
    if is_wanted:
        _compile_again(store.path)
    # Twice: what a disk fails to read once is told as damage too.
    if is_wanted and damage.found(store.path, None) and (why := damage.found(store.path, None)):
        # What was found without the lock is as true with it, unless the file is another by now.
        heal(store.path, "recover", why, of)
    if resume.is_waiting(store):
        takeover.bring_in(store, float("inf"))
        return
    state = importer.standing(store.connection())
    asides = quarantine.unsalvaged(store.path)
    # All may be in, and the power gone before that was noted.
    if state is None or not quarantine.is_name(state.name) or (state.done and not asides):
        return
    for aside in asides:
        with contextlib.suppress(OSError):
            header.mend(aside.path)
    started = time.perf_counter_ns()
    wrecks = salvage.Wrecks(state.name, asides)
    try:
        if not state.done:
            # First, while the import is open: rolled.py says why.
            for view in wrecks.views:
                rolled.adopt(store, view, wrecks.better(view))
            state = importer.go_on(store, wrecks, float("inf"))
        lost, gaps = state.left, wrecks.gaps()
    finally:
        wrecks.close()
    if not state.done:
        raise TryLater("all is brought over, and a reader keeps it from being synced", where=store.path)
    _note(asides, state, lost, gaps)
    _tell(store, state, lost, gaps, (time.perf_counter_ns() - started) // 1000)


def _moved(path: str, why: str) -> Aside:
    """The lock is held."""
    try:
        aside = quarantine.move(path, why)
        header.mend(aside.path)
    except OSError as error:
        raise StoreProblem(f"{why}, and can't be moved aside: {error.strerror}", where=path) from error
    return aside


def _note(asides: list[Aside], state: Import, lost: int, gaps: int) -> None:
    for aside in asides:
        aside.salvaged = True
        if aside is asides[-1]:
            aside.runs, aside.samples, aside.lost, aside.gaps = state.runs, state.numbers, lost, gaps
        try:
            aside.note()
        except OSError as error:
            raise StoreProblem(f"can't be written: {error.strerror}", where=aside.path) from error


def _tell(store: Store, state: Import, lost: int, gaps: int, duration_us: int) -> None:
    message = f"{state.runs} runs with {state.numbers} samples salvaged from {state.name}"
    if lost:
        message += f", {lost} made no sense"
    if gaps:
        message += f", {gaps} stretches could not be read"
    run = runs.Run("recover", clock.now(), priority=3, duration_us=duration_us)
    with store.writing() as connection:
        runs.add(connection, run)
    journal.record(
        message,
        message_id=journal.DATABASE_SALVAGED,
        job="recover",
        count=state.numbers,
        duration_ms=f"{duration_us / 1000:.1f}",
        file=state.name,
    )


def _compile_again(path: str) -> None:
    """Where the settings are not what was compiled. What is wrong with the configuration by now is for `apply` to
    tell."""
    make_importable()
    from .schedule.compile import compile_again

    with contextlib.suppress(Problem, DatabaseError):  # what is amiss is not that, or not that alone
        compile_again(path)


def _wanted() -> str:
    return variable("BELABOX_METRICS_RECOVER") or WANTED


def _forget_wanted() -> None:
    """All is done. Raises StoreProblem where the file can't go: then it is all looked at once more."""
    try:
        os.unlink(_wanted())
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreProblem(f"can't be removed: {error.strerror}", where=_wanted()) from error


def _want() -> None:
    """Ask for the job `recover`. Without the folder it comes when the box starts the next time."""
    with contextlib.suppress(OSError):
        os.close(os.open(_wanted(), os.O_WRONLY | os.O_CREAT | _CAREFUL, 0o640))
