"""The place where the database is: is there room, was it damaged, what became of that."""

from __future__ import annotations

from .. import refused
from ..store import quarantine, room
from .verdict import DEGRADED, ERROR, OK, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..clock import Moment
    from ..store.quarantine import Aside


class Storage:
    """free_bytes: what a job may still write, 0 on a read-only file system too. refused: runs that were not stored in
    the outage that lasts, which began `refused_ms` ago. goes_on: nothing was stored since the last of them. asides:
    damaged databases that nobody has acknowledged."""

    __slots__ = ("asides", "free_bytes", "goes_on", "refused", "refused_ms")

    def __init__(self, free_bytes: int, refused: int, refused_ms: int, goes_on: bool, asides: list[Aside]) -> None:
        self.free_bytes = free_bytes
        self.refused = refused
        self.refused_ms = refused_ms
        self.goes_on = goes_on
        self.asides = asides

    def judge(self) -> tuple[str, str]:
        """(status, message); OK without a message when all is well."""
        # An ext4 that has given up writing has room, and does not look read-only.
        if self.free_bytes < room.LEAST_BYTES or self.goes_on:
            message = "nothing can be stored: the disk is full, or read-only; what is stored is safe"
            return ERROR, message + (f"; {self._refused()}" if self.refused else "")
        if self.asides:
            return DEGRADED, self._damaged()
        if self.refused:
            return DEGRADED, f"there is room again, but {self._refused()}"
        return OK, ""

    def _refused(self) -> str:
        return f"{self.refused} runs were refused in the last {span(self.refused_ms)}"

    def _damaged(self) -> str:
        newest = self.asides[-1]
        said = f"the database was damaged and moved aside at {newest.stamp}"
        if not newest.salvaged:
            return f"{said}, what can be read of it is being brought over"
        said += f", {newest.runs} runs of it with {newest.samples} samples were salvaged"
        if newest.lost:
            said += f", {newest.lost} made no sense"
        if newest.gaps:
            said += f", {newest.gaps} stretches could not be read"
        return f"{said}: belabox-metrics doctor --acknowledge"


def read(path: str, now: Moment, stored_ms: int | None) -> Storage:
    """How it is at `now` with the place of the database at `path`, where something was stored `stored_ms` ago; None for
    nothing in this boot. Opens no database."""
    count, lasting_ms = refused.standing(now.boottime_ms)
    latest_ms = refused.latest_ms(now.boottime_ms)
    goes_on = latest_ms is not None and (stored_ms is None or latest_ms < stored_ms)
    asides = [aside for aside in quarantine.standing(path) if not aside.acknowledged]
    return Storage(room.free_bytes(path), count, lasting_ms, goes_on, asides)
