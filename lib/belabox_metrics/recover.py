"""A damaged database: another in its place, at once; and the job `recover`, which brings over what can be read of it.

Whatever job meets damage comes here, asks whether that is so, and goes on with a new database. Nobody else moves one.
"""

from __future__ import annotations

import contextlib
import time

from . import clock, journal, takeover
from .distribution import make_importable
from .errors import Damaged, Problem, StoreProblem, TryLater, Unwritable
from .intact import keep_settings
from .mark import RECOVER
from .store import damage, header, importer, quarantine, rolled, runs, salvage
from .store.database import DatabaseError, Store, database_path, problem
from .store.lock import Lock
from .store.takeover import resume
from .suspicion import suspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .store.importer import Import
    from .store.quarantine import Aside

# Others wait for ten seconds; this one must have time to look into the file after that.
WAIT_S = 10.0
# Where SQLite itself has met what a short look has not found.
HEAL_AGAIN_MS = 60_000


def main(_arguments: list[str]) -> int:
    store = Store(database_path())
    turn = Lock(f"{store.path}.recover", 1.0)
    try:
        turn.acquire()
        recover(store)
    except (Problem, DatabaseError) as caught:
        failed = problem(caught, store.path)
        if failed.exit_code == TryLater.exit_code:
            # Each minute, also where it is a boot that has started it.
            RECOVER.leave()
        if isinstance(failed, Unwritable):
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
        _keep_settings(Store(path), job)
    lock = Lock(path + ".lock", WAIT_S)
    lock.acquire()
    why = ""
    try:
        why = known if known and of == damage.inode(path) else damage.found(path)
        aside = _moved(path, why) if why else None
    finally:
        lock.release()
        # Also where it was moved and that could not be noted: a full disk.
        RECOVER.leave() if why else suspect(HEAL_AGAIN_MS)
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
    # Settings are read by the jobs that come next, an uploader with none would send nothing: where those of the damaged
    # one could not be told.
    make_importable()
    from .schedule.compile import compile_settings

    compile_settings(path)


def recover(store: Store) -> None:
    """Look the whole database over, and its settings, if somebody met damage in it, and bring in what was moved aside,
    all of it. Where that fails, or is killed, it is all looked at once more."""
    answered_ns = _look_over(store)
    if _is_waiting(store):
        if not answered_ns:
            # As after a boot: it is to be started again wherever it ends from here on.
            RECOVER.leave()
            answered_ns = RECOVER.left_ns()
        _bring_over(store)
    # Bringing over takes its time. Who met damage meanwhile asks for another look.
    RECOVER.remove(answered_ns)


def _look_over(store: Store) -> int:
    """Mend what is found; when the mark that asked for it was left."""
    if RECOVER.is_left():
        _keep_settings(store, "recover")
    of = damage.inode(store.path)
    answered_ns = RECOVER.left_ns()
    # Twice: what a disk fails to read once is told as damage too.
    if answered_ns and damage.found(store.path, None) and (why := damage.found(store.path, None)):
        # What was found without the lock is as true with it, unless the file is another by now.
        heal(store.path, "recover", why, of)
        # It was not for this one that it was left there.
        return RECOVER.left_ns()
    return answered_ns


def _is_waiting(store: Store) -> bool:
    """Whether there is something to bring over."""
    state = importer.standing(store.connection())
    if state is None or not quarantine.is_name(state.name):
        return resume.is_waiting(store)
    # All may be in, and the power gone before that was noted.
    return not state.done or bool(quarantine.unsalvaged(store.path))


def _bring_over(store: Store) -> None:
    state = importer.standing(store.connection())
    if state is None or not quarantine.is_name(state.name):
        takeover.bring_in(store, float("inf"))
        return
    asides = quarantine.unsalvaged(store.path)
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


def _keep_settings(store: Store, job: str) -> None:
    with contextlib.suppress(Problem, DatabaseError):  # what is amiss is not that, or not that alone
        keep_settings(store, job)
