"""The job `maintain`: one step after the other, each reported. What fails in one keeps no other from its work."""

from __future__ import annotations

import time

from .. import clock, journal
from ..errors import Damaged, Problem, UsageProblem
from ..intact import sound
from ..refused import give_up
from ..store import boots, reserve, runs
from ..store.credible import must_be_credible
from ..store.database import DatabaseError, Store, database_path, problem
from ..store.lock import Lock
from .archive import archive
from .caps import make_room
from .check import check
from .checkpoint import checkpoint
from .memory import Memory
from .pace import Pace
from .retention import prune
from .roll_up import roll_up
from .settings import Settings
from .work import JOB, Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..clock import Moment
    from .work import Done

    Step = tuple[str, Callable[[Work], Done]]

# The log first: what follows makes it long again, and folds it in as it goes.
STEPS: tuple[Step, ...] = (
    ("checkpoint", checkpoint),
    ("archive", archive),
    ("roll_up", roll_up),
    ("retention", prune),
    ("room", make_room),
    ("check", check),
)
TURN_S = 1.0


def main(arguments: list[str]) -> int:
    store = Store(database_path())
    # A second one by hand would do what the first is at.
    turn = Lock(f"{store.path}.maintain", TURN_S)
    try:
        if arguments:
            raise UsageProblem(f"takes no argument: {arguments[0]}")
        turn.acquire()
        return maintain(store, clock.now())
    except (Problem, DatabaseError) as caught:
        return give_up(problem(caught, store.path), store.path, job=JOB, message_id=journal.JOB_FAILED)
    finally:
        turn.release()


def maintain(store: Store, moment: Moment, pace: Pace | None = None, steps: tuple[Step, ...] = STEPS) -> int:
    """All steps; the exit code. Raises the first Problem that one met, after the others have had their turn; Damaged at
    once."""
    started = time.perf_counter_ns()
    # On a full disk who deletes needs some room first.
    reserve.use(store)
    connection = store.connection()
    settings = sound(store, JOB, Settings)
    must_be_credible(connection)
    remembered = runs.remembered(connection, JOB, "", moment, outlives_boot=True)
    memory = Memory(*remembered, moment, boots.right_ms(connection, moment))
    work = Work(store, moment, settings, memory, pace or Pace())
    _learn(work)
    first: Problem | None = None
    for name, step in steps:
        try:
            _do(work, name, step)
        except (Problem, DatabaseError) as caught:
            failed = problem(caught, store.path)
            if isinstance(failed, Damaged):
                raise failed from caught
            first = first or failed
    duration_us = (time.perf_counter_ns() - started) // 1000
    outcome = runs.FAILED if first else runs.DONE
    run = runs.Run(
        JOB,
        moment,
        outcome=outcome,
        priority=3,
        state=memory.text(),
        error=str(first or ""),
        duration_us=duration_us,
    )
    with store.writing() as writing:
        runs.add(writing, run)
    reserve.keep(store.path)
    if first:
        raise first
    return 0


def _do(work: Work, name: str, step: Callable[[Work], Done]) -> None:
    started = time.perf_counter()
    done = step(work)
    took_ms = (time.perf_counter() - started) * 1000
    if not done.reported:
        with work.pace.writing(work.store) as writing:
            work.report(writing, name, done, took_ms)
    if done.message:
        journal.record(
            done.message,
            priority=journal.WARNING if done.warning else journal.NOTICE,
            message_id=done.message_id,
            job=JOB,
            step=name,
            count=len(done.samples),
            duration_ms=f"{took_ms:.1f}",
        )


def _learn(work: Work) -> None:
    """Write down the right time of this boot once it is known, as the uploader does: where nothing is sent, nobody else
    would, and runs from before the clock was set would be put where the clock was."""
    moment = work.moment
    if moment.synchronized and moment.boot_id and not boots.is_known(work.connection, moment):
        with work.pace.writing(work.store) as writing:
            boots.fix(writing, moment, moment.wall_ms)
