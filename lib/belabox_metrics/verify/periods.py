"""Which runs belong to which hour. Their ids are near to time, but a clock that was set later is corrected."""

from __future__ import annotations

from ..store.queue import PendingRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..upload.correction import Correction

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
# Numbers that are held in memory at a time. The shipped schedule makes some 25 000 an hour.
MOST_SAMPLES = 30_000
# A reader that lingers keeps the log from being truncated, so rows are read by so many.
ROWS = 5_000


class Stretch:
    """Runs from `first` to `last` (ids), with none of another period between. `begin`, `end`: their places among all
    runs, which tell whether another stretch follows at once."""

    __slots__ = ("begin", "end", "first", "last")

    def __init__(self, place: int, run: int) -> None:
        self.begin = self.end = place
        self.first = self.last = run


class Period:
    """[begin_ms, end_ms) of one hour, Unix time, and the stretches of runs that were sampled in it."""

    __slots__ = ("begin_ms", "end_ms", "samples", "stretches")

    def __init__(self, begin_ms: int, end_ms: int) -> None:
        self.begin_ms = begin_ms
        self.end_ms = end_ms
        self.samples = 0
        self.stretches: list[Stretch] = []

    @property
    def hour_ms(self) -> int:
        return self.begin_ms // HOUR_MS * HOUR_MS


class _Minute:
    def __init__(self) -> None:
        self.samples = 0
        self.stretches: list[Stretch] = []


def right_ms(correction: Correction, run: PendingRun) -> int:
    """The time with which `run` is sent; as long as that is not known, and it waits, the time it came with."""
    correction.apply([run])
    return run.timestamp_ms


def periods(connection: Connection, correction: Correction, since_ms: int, frontier: int) -> list[Period]:
    """The hours since `since_ms` in which something was sampled, up to the run `frontier`, oldest first: whole hours
    but for the first, or parts of one in which very much was."""
    since = since_ms // MINUTE_MS
    minutes: dict[int, _Minute] = {}
    sizes = dict(connection.execute("SELECT shape, count(*) FROM series GROUP BY shape").fetchall())
    after = before(connection, since * MINUTE_MS)
    previous, place = None, 0
    while True:
        rows = connection.execute(_RUNS, (after, frontier, ROWS)).fetchall()
        for number, timestamp_ms, shape, boot, boottime_ms, synchronized in rows:
            run = PendingRun(number, timestamp_ms, shape, [], "", boot, boottime_ms, bool(synchronized))
            at = right_ms(correction, run) // MINUTE_MS
            place += 1
            if at < since:
                previous = None
                continue
            minute = minutes.setdefault(at, _Minute())
            minute.samples += sizes.get(shape, 0)
            if at == previous:
                minute.stretches[-1].end, minute.stretches[-1].last = place, number
            else:
                minute.stretches.append(Stretch(place, number))
            previous = at
        if len(rows) < ROWS:
            break
        after = rows[-1][0]
    return _gathered(minutes, since)


def _gathered(minutes: dict[int, _Minute], since: int) -> list[Period]:
    found: list[Period] = []
    for at in sorted(minutes):
        minute = minutes[at]
        hour_ms = at * MINUTE_MS // HOUR_MS * HOUR_MS
        if not found or found[-1].hour_ms != hour_ms:
            found.append(Period(max(hour_ms, since * MINUTE_MS), hour_ms + HOUR_MS))
        elif found[-1].samples + minute.samples > MOST_SAMPLES:
            found[-1].end_ms = at * MINUTE_MS
            found.append(Period(at * MINUTE_MS, hour_ms + HOUR_MS))
        found[-1].samples += minute.samples
        found[-1].stretches += minute.stretches
    for period in found:
        period.stretches = _joined(period.stretches)
    return found


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda stretch: stretch.begin):
        if joined and joined[-1].end + 1 == stretch.begin:
            joined[-1].end, joined[-1].last = stretch.end, stretch.last
        else:
            joined.append(stretch)
    return joined


def before(connection: Connection, since_ms: int) -> int:
    """A run before which there is nothing since then: the newest that was sampled earlier by a clock that had been set.
    After it there may be a boot with a clock of last week."""
    found = connection.execute(
        "SELECT id FROM runs WHERE synchronized AND id - lead_ms < ? ORDER BY id DESC LIMIT 1", (since_ms,)
    ).fetchone()
    return int(found[0]) if found else -1


_RUNS = (
    "SELECT id, id - lead_ms, shape, boot, boottime_ms, synchronized FROM runs"
    " WHERE id > ? AND id <= ? AND packed IS NOT NULL ORDER BY id LIMIT ?"
)
