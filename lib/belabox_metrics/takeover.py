"""The command `import`: bring in what a database of the Go system still holds. The job `recover` does it unasked."""

from __future__ import annotations

import argparse
import time

from . import journal
from .errors import Problem
from .progress import Progress
from .store.database import DatabaseError, Store
from .store.failure import tell
from .store.options import add_database
from .store.settings import first, section
from .store.takeover import resume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .store.importer import Import

# Of a person's patience; what is in by then stays in.
WHOLE_S = 24 * 3600.0


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    store = Store(options.database)
    try:
        return bring_in(store, WHOLE_S)
    except (Problem, DatabaseError) as caught:
        return tell("import", caught, store.path)


def bring_in(store: Store, seconds: float) -> int:
    """As much as there is time for, with a bar where somebody sees it and a record where nobody does; the exit code.

    Nothing happens, and nothing is said, where there is nothing to take over. Raises StoreProblem, TryLater."""
    if not resume.is_waiting(store):
        print("no database of the Go system is left to take over")
        return 0
    _tell_name(store)
    bar: Progress | None = None

    def tell(state: Import) -> None:
        nonlocal bar
        bar = bar or Progress(state.total)
        bar.reach(state.rows)

    try:
        state = resume.resume(store, time.monotonic() + seconds, tell)
    finally:
        if bar:
            bar.end()
    journal.record(said(state, resume.is_kept(store, state)), job="import", count=state.numbers)
    return 0


def _tell_name(store: Store) -> None:
    """On a server, what is still to be sent becomes other series when the box has another name."""
    theirs = resume.device_id(store)
    ours = str(first(section(store.connection(), "device"), "id", ""))
    if theirs and ours and theirs != ours:
        message = f"the Go system called this box {theirs}, what it had not sent goes as {ours}: device.id says so"
        journal.record(message, priority=journal.WARNING, job="import")


def said(state: Import, is_kept: bool) -> str:
    """How far it is, for a person. `is_kept`: the file is there still."""
    told = f"{state.rows} rows of {state.name} are in, as {state.runs} runs"
    if not state.done:
        return f"{told}; the rest follows"
    if state.left:
        return f"{told}; {state.left} could not be read or have no time or name, the file is kept for them"
    if is_kept:
        return f"{told}; that is all that can be read of it, it is damaged and kept"
    return f"{told}; that is all of them"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics import",
        description="Bring in what a database of the Go system still holds. That happens by itself too.",
    )
    add_database(parser)
    return parser
