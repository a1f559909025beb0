"""The rows of a database of the Go system, as a source for the importer."""

from __future__ import annotations

import json

from .. import sqlite
from ..database import DatabaseError, quoted
from ..importer import Batch
from .gathering import Gathering
from .layout import layout_of
from .series import Spelling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection
    from typing import Any

    from ..importer import OldSession

# Of a batch, which holds the lock; a tick is cut only where it is longer than any of a box.
ROWS = 500
MOST_ROWS = 20_000
MOST_BYTES = 4 * 1024 * 1024
SESSIONS = 10_000
HOUR_MS = 3_600_000
# Rows of its last hour that are counted: it had some ten thousand.
COUNTED = 1_000_000
# A run keeps by how much its id is ahead of its time; of times that are seconds, a thousand times this has to fit.
EARLIEST = -(2**52)
END = "end"
# Of what is damaged, so many ids are tried at a time.
WINDOW = 500


class Rows:
    """The rows up to the time `latest_ms`: those ahead of it a clock made that was wrong, and they stay.

    Raises DatabaseError where the file can't be read at all."""

    def __init__(self, path: str, latest_ms: int) -> None:
        self.path = path
        self.name = path.rpartition("/")[2]
        # Nobody writes it, and it has no log any more: nothing to lock, nothing to make beside it.
        self._connection: Connection = sqlite.connect_warily(f"file:{quoted(path)}?mode=ro&immutable=1", uri=True)
        layout = layout_of(self._connection)
        if layout is None:
            raise DatabaseError("the tables are not those of the Go system")
        self._layout = layout
        self._multiplier, self._divisor = _unit(self._newest(2**63 - 1), layout.time)
        self._latest = latest_ms * self._divisor // self._multiplier
        self._spelling = Spelling(self.device_id())

    def close(self) -> None:
        self._connection.close()

    def total(self) -> int:
        """Rows, about: ids without end are cheaper to subtract than to count."""
        first, last = self._ids()
        return last - first + 1 if last else 0

    def upto(self) -> int:
        """No run that is made of these rows needs an id from here on; 0 where that can't be read."""
        newest = self._newest(self._latest)
        if newest is None:
            return 0
        recent = max(newest, EARLIEST) - HOUR_MS * self._divisor // self._multiplier
        query = f"SELECT count(*) FROM (SELECT 1 FROM metrics WHERE {self._layout.time} > ? LIMIT ?)"  # noqa: S608
        try:
            count = int(self._connection.execute(query, (recent, COUNTED)).fetchone()[0])
        except DatabaseError:
            count = COUNTED
        return self._ms(newest) + count + ROWS + 1

    def device_id(self) -> str:
        """What the box was called last."""
        if "device_id" not in self._layout.columns:
            return ""
        found = self._last("device_id", "device_id <> ''")
        return "" if found is None else str(found)

    def count(self) -> int:
        """Rows, exactly, counted in the table and not in an index."""
        return int(self._connection.execute("SELECT count(*) FROM metrics NOT INDEXED").fetchone()[0])

    def is_sound(self) -> bool:
        """Whether SQLite finds nothing wrong with the file. Reads all of it."""
        return self._connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"  # type: ignore[no-any-return]

    def batches(self, cursor: str) -> Iterator[Batch]:
        """In the order of time; where the file is damaged, what can be read of the rest, in the order of ids."""
        if cursor == END:
            return
        place = json.loads(cursor) if cursor else {}
        if not cursor:
            yield Batch([], json.dumps({"at": EARLIEST, "id": 0}), 0, sessions=self._sessions())
            place = {"at": EARLIEST, "id": 0}
        if "from" not in place:
            try:
                for batch in self._in_time(place):
                    place = json.loads(batch.cursor)
                    yield batch
                yield Batch([], END, 0, left=self._beyond())
                return
            except DatabaseError:
                place = {**place, "from": 0}
        yield from self._by_id(place)
        yield Batch([], END, 0)

    def _in_time(self, place: dict[str, int]) -> Iterator[Batch]:
        time = self._layout.time
        query = (
            f"SELECT rowid, {time}, {self._layout.columns} FROM metrics"  # noqa: S608 - no input
            f" WHERE {time} >= ?1 AND ({time} > ?1 OR rowid > ?2) AND {time} <= ?3 ORDER BY {time}, rowid"
        )
        gathering = Gathering(self.name)
        number, at = place["id"], place["at"]
        rows = self._connection.execute(query, (at, number, self._latest))
        while True:
            try:
                row = rows.fetchone()
            except DatabaseError:
                yield _batch(gathering, {"at": at, "id": number})
                raise
            if row is None:
                break
            full = gathering.rows >= ROWS and row[1] != at
            if full or gathering.rows >= MOST_ROWS or gathering.size >= MOST_BYTES:
                yield _batch(gathering, {"at": at, "id": number})
                gathering = Gathering(self.name, gathering)
            number, at = row[0], row[1]
            self._take(gathering, row)
        if gathering.rows:
            yield _batch(gathering, {"at": at, "id": number})

    def _by_id(self, place: dict[str, int]) -> Iterator[Batch]:
        """What is left after the place in time, row by row where a page is damaged."""
        first, last = self._ids()
        after = max(place["from"], first - 1)
        while after < last:
            upto = min(after + WINDOW, last)
            gathering = Gathering(self.name)
            rows, lost = self._readable(after, upto, place)
            for row in sorted(rows, key=lambda row: (row[1], row[0])):
                self._take(gathering, row)
            after = upto
            batch = _batch(gathering, {**place, "from": after})
            batch.left += lost
            yield batch

    def _readable(self, after: int, upto: int, place: dict[str, int]) -> tuple[list[Any], int]:
        """The rows of the ids in (after, upto] that can be read and are not in yet, and how many ids can't be read."""
        time = self._layout.time
        # A range ends by a look at the row behind it, which may be on another page: the last step asks for one row.
        window = "rowid > ?1 AND rowid <= ?2" if upto - after > 1 else "?1 < ?2 AND rowid = ?2"
        query = (
            f"SELECT rowid, {time}, {self._layout.columns} FROM metrics NOT INDEXED"  # noqa: S608 - no input
            f" WHERE {window} AND ({time} > ?3 OR {time} = ?3 AND rowid > ?4) AND {time} <= ?5"
        )
        values = (after, upto, place["at"], place["id"], self._latest)
        try:
            return self._connection.execute(query, values).fetchall(), 0
        except DatabaseError:
            if upto - after == 1:
                return [], 1
        middle = (after + upto) // 2
        early, lost_early = self._readable(after, middle, place)
        late, lost_late = self._readable(middle, upto, place)
        return early + late, lost_early + lost_late

    def _take(self, gathering: Gathering, row: tuple[Any, ...]) -> None:
        _, at, name, value, text, kind, tags, session, device, uploaded, priority = row
        if not isinstance(at, (int, float)):  # in a column that a person has declared to be text
            gathering.leave()
            return
        if isinstance(value, bytes) or isinstance(text, bytes):
            value = text = None
        if (kind == 1 or value is None) and text is not None:
            value = str(text)
        spelled = self._spelling.tags(tags, device)
        gathering.add(self._ms(at), name, spelled, value, session, priority, sent=uploaded == 1)

    def _beyond(self) -> int:
        """How many rows have no time that a database could hold, or one that is yet to come."""
        time = self._layout.time
        query = f"SELECT count(*) FROM metrics WHERE {time} IS NULL OR {time} > ? OR {time} < ?"  # noqa: S608 - no input
        return int(self._connection.execute(query, (self._latest, EARLIEST)).fetchone()[0])

    def _sessions(self) -> list[OldSession]:
        """One that is active ended when the Go program did: with its last row."""
        if not self._layout.has_sessions:
            return []
        found: list[OldSession] = []
        try:
            rows = self._connection.execute(
                "SELECT id, start_time, end_time, status, metadata FROM sessions"
                " WHERE typeof(id) = 'text' AND typeof(start_time) = 'integer' ORDER BY start_time LIMIT ?",
                (SESSIONS,),
            ).fetchall()
            for uuid, start_ms, end_ms, status, metadata in rows:
                ended = end_ms
                if status not in ("completed", "failed") or not isinstance(end_ms, int):
                    ended = max(start_ms, self._last_of(uuid))
                    status = "completed" if status == "completed" else "failed"
                found.append((uuid, start_ms, ended, status, metadata if isinstance(metadata, str) else None))
        except DatabaseError:  # the rows that name them will
            return found
        return found

    def _last_of(self, session: str) -> int:
        time = self._layout.time
        query = f"SELECT {time} FROM metrics WHERE session_id = ? AND {time} <= ? ORDER BY 1 DESC LIMIT 1"  # noqa: S608
        found = self._connection.execute(query, (session, self._latest)).fetchone()
        last = _whole(found[0]) if found else None
        return 0 if last is None else self._ms(last)

    def _newest(self, upto: int) -> int | None:
        time = self._layout.time
        return _whole(self._last(time, f"{time} <= {upto}"))

    def _last(self, column: str, condition: str) -> object:
        """Of the last row in the order of time; where the index of that is damaged, of the last that was written."""
        for order in (f"{self._layout.time} DESC, rowid DESC", "rowid DESC"):
            indexed = "" if order != "rowid DESC" else "NOT INDEXED"
            query = f"SELECT {column} FROM metrics {indexed} WHERE {condition} ORDER BY {order} LIMIT 1"  # noqa: S608
            try:
                found = self._connection.execute(query).fetchone()
            except DatabaseError:
                continue
            return found[0] if found else None
        return None

    def _ids(self) -> tuple[int, int]:
        """The first and the last; of a damaged file, what can be known of them."""
        try:
            first, last = self._connection.execute(
                "SELECT (SELECT min(rowid) FROM metrics), (SELECT max(rowid) FROM metrics)"
            ).fetchone()
            return (first or 0), (last or 0)
        except DatabaseError:
            pass
        try:
            row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'metrics'").fetchone()
            return 1, int(row[0]) if row else 0
        except DatabaseError:
            return 1, 0

    def _ms(self, time: float) -> int:
        return int(time) * self._multiplier // self._divisor


def _whole(number: object) -> int | None:
    """None for what is no number, and for an infinite one."""
    if isinstance(number, float) and number - number == 0:
        return int(number)
    return number if isinstance(number, int) else None


def _batch(gathering: Gathering, place: dict[str, int]) -> Batch:
    return Batch(gathering.found(), json.dumps(place), gathering.rows, gathering.left)


def _unit(newest: int | None, column: str) -> tuple[int, int]:
    """What makes milliseconds of the column of time: (multiplier, divisor). Milestone 1 does not say what its column
    counts; from 1973 on, no two units share a number."""
    if column == "timestamp_ms" or newest is None:
        return 1, 1
    if newest < 10**11:
        return 1000, 1
    if newest < 10**14:
        return 1, 1
    return (1, 1000) if newest < 10**17 else (1, 1_000_000)
