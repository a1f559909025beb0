"""Samples that were taken before the clock was set."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment
    from ..remote.settings import Remote
    from ..store.queue import PendingRun


class Correction:
    def __init__(self, connection: Connection, moment: Moment, remote: Remote) -> None:
        pass

    def apply(self, runs: list[PendingRun]) -> list[PendingRun]:
        return runs
