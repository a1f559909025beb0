"""What every step is given, and what it gives back."""

from __future__ import annotations

from .. import journal
from ..store import runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment
    from ..sample import Sample
    from ..store.database import Store
    from .memory import Memory
    from .pace import Pace
    from .settings import Settings

JOB = "maintain"


class Done:
    """What a step reports: `samples` for its run, `message` for a person, "" when it had nothing to do. `warning`: the
    message is one. `reported`: its run is stored already."""

    def __init__(
        self, samples: list[Sample], message: str = "", *, warning: bool = False, message_id: str = journal.MAINTAINED
    ) -> None:
        self.samples = samples
        self.message = message
        self.warning = warning
        self.message_id = message_id
        self.reported = False


class Work:
    """`now_ms`: Unix time to judge ages by."""

    def __init__(self, store: Store, moment: Moment, settings: Settings, memory: Memory, pace: Pace) -> None:
        self.store = store
        self.moment = moment
        self.settings = settings
        self.memory = memory
        self.pace = pace

    @property
    def now_ms(self) -> int:
        return self.memory.now_ms

    @property
    def connection(self) -> Connection:
        """For reading; not in a transaction, so what is read may change before it is written."""
        return self.store.connection()

    def report(self, connection: Connection, step: str, done: Done, took_ms: float) -> None:
        """Store what a step did as its run, inside a transaction."""
        error = done.message if done.warning else ""
        run = runs.Run(
            JOB,
            self.moment,
            metric=step,
            samples=done.samples,
            priority=3,
            error=error,
            duration_us=int(took_ms * 1000),
        )
        runs.add(connection, run)
        done.reported = True
