"""Reading a damaged database: every row that can be had, around what can not.

A page that SQLite can't read ends the reading of a table in its order. So it is tried again behind it: ids that are
farther away each time until one is found, then halves of what lies between. And what is read is checked, as SQLite has
no checksums of its own: a page may look whole and say nonsense.
"""

from __future__ import annotations

from bisect import bisect_left

from ..json_text import parse
from .queue import PRIORITIES
from .runs import signature
from .sqlite import UNREADABLE, Torn, connect_warily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection
    from typing import Any

    Shape = list[tuple[str, str]]
    Row = tuple[Any, ...]

# No id is beyond.
END = 2**62
# What comes instead of a row.
_NO_ROW: tuple[type[Exception], ...] = (*UNREADABLE, OverflowError)
_RUN = "id, job, {lead}, boot, boottime_ms, synchronized, duration_us, outcome, priority, session, shape, packed, error"
_LAST_RUN = "SELECT max(id) FROM runs"
_LAST_OF_JOBS = "SELECT max(last_run) FROM jobs"
_SIGNED = "SELECT 1 FROM shapes INDEXED BY sqlite_autoindex_shapes_1 WHERE signature = ? AND id = ?"
# What the columns of a run must be; None may stand for the last four.
_KINDS = (int,) * 9 + (int, int, str, str)


class View:
    """One way to see a wreck: with its log, or without, as the log may be what is damaged.

    path: of the file. lost: runs that were read and make no sense."""

    def __init__(self, path: str, with_log: bool) -> None:
        quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        # Neither writes; and without the log nothing is even locked.
        self._connection = connect_warily(
            f"file:{quoted}?{'mode=ro' if with_log else 'immutable=1'}", uri=True, timeout=1
        )
        self.path = path
        self._gaps: dict[str, list[tuple[int, int]]] = {"runs": []}
        self.lost = 0
        self.jobs = {row[0]: (row[1], row[2]) for row in self._all("jobs", "id", "id, job, metric", str, str)}
        self.boots = {row[0]: row[1] for row in self._all("boots", "id", "id, boot_id", str)}
        self._shapes: dict[int, Shape | None] = {}
        self._positions, self._spans = self._sent()
        # By number: (UUID, start, end, status, metadata).
        self.sessions: dict[int, Row] = {row[0]: row[1:] for row in self._read_sessions()}
        self._run = _RUN.format(lead="lead_ms" if self._has("runs", "lead_ms") else "id - timestamp_ms")

    def close(self) -> None:
        self._connection.close()

    def knows_sent(self) -> bool:
        """Whether it can be told what was sent."""
        return len(self._positions) > 0

    def is_sent(self, priority: int, run: int) -> bool:
        """Whether the run of this id was; no, where that can't be read."""
        if run > self._positions.get(priority, 0):
            return False
        return not any(of == priority and after < run <= upto for of, after, upto in self._spans)

    def last_run(self, latest: int) -> int:
        """The greatest id there may be; 0 when it can't be told. One above `latest` is believed where two tables tell
        of it: a clock that was once far ahead has left such, and damage is of one page."""
        told: list[int] = []
        stored = self._last_stored()
        for query in (_LAST_RUN, _LAST_OF_JOBS, "SELECT max(run) FROM positions"):
            try:
                number = self._connection.execute(query).fetchone()[0]
            except UNREADABLE:
                continue
            # Positions beyond all that is stored are what was damaged.
            if isinstance(number, int) and number <= stored:
                told.append(number)
        return max([number for number in told if number < latest or told.count(number) > 1], default=0)

    def runs(self, after: int) -> Iterator[Row]:
        """The rows of runs behind the id `after`, in their order, with the columns of the table."""
        for row in self._rows("runs", "id", self._run, after, self._gaps["runs"]):
            if is_run(row):
                yield row
            else:
                self.lost += 1

    def is_gap(self, number: int, table: str = "runs") -> bool:
        """Whether a row of this id would lie where nothing can be read, as far as the reading of the table has come."""
        gaps = self._gaps.get(table, [])
        at = bisect_left(gaps, (number,)) - 1
        return at >= 0 and number < gaps[at][1]

    def is_whole(self, after: int) -> bool:
        """Whether all runs behind the id `after` can be read."""
        gaps: list[tuple[int, int]] = []
        for _ in self._rows("runs", "id", "id", after, gaps):
            if gaps:
                break
        return not gaps

    @property
    def gaps(self) -> int:
        """Stretches of runs that could not be read, so far."""
        return len(self._gaps["runs"])

    def shape(self, number: int) -> Shape | None:
        """The series of a shape, None where they can't be read."""
        if number not in self._shapes:
            self._shapes[number] = self._read_shape(number)
        return self._shapes[number]

    def boot_of(self, session: int) -> str:
        """The id of the boot in which a session began, "" where it is not known."""
        try:
            row = self._connection.execute("SELECT of_boot FROM sessions WHERE number = ?", (session,)).fetchone()
        except UNREADABLE:
            return ""
        return self.boots.get(row[0], "") if row else ""

    def memories(self) -> list[Row]:
        """What jobs left for their next run: (job, metric, state, boot id, boottime_ms, alerts)."""
        if not self._has("jobs", "alerts"):
            return []
        rows = self._all("jobs", "id", "id, job, metric, state, state_boot, state_boottime_ms, alerts", str, str)
        return [(*row[1:4], self.boots.get(row[4]), row[5], row[6]) for row in rows]

    def offsets(self) -> dict[str, int]:
        """By boot id: the right time less the time since boot, where it was known."""
        if not self._has("boots", "offset_ms"):
            return {}
        return {row[1]: row[2] for row in self._all("boots", "id", "id, boot_id, offset_ms", str) if _is(row[2], int)}

    def rolled_up(self, table: str, columns: str) -> Iterator[Row]:
        """The rows of `table`, whose key is `id`, which comes first."""
        gaps = self._gaps[table] = []
        if self._has(table, "id"):
            yield from self._rows(table, "id", columns, -1, gaps)
        else:
            gaps.append((-1, END))

    def _read_sessions(self) -> list[Row]:
        if not self._has("sessions", "number"):
            return []
        return self._all("sessions", "number", "number, id, start_time, end_time, status, metadata", str, int)

    def _sent(self) -> tuple[dict[int, int], list[Row]]:
        try:
            spans = self._connection.execute("SELECT priority, after_run, upto_run FROM backlog").fetchall()
            found = self._connection.execute("SELECT priority, run FROM positions").fetchall()
        except UNREADABLE:
            return {}, []
        last = self._last_stored()
        for span in spans:
            if not all(_is(number, int) for number in span):
                return {}, []
            if span[0] not in PRIORITIES or not span[1] < span[2] <= last:
                return {}, []
        return {priority: run for priority, run in found if _is(priority, int) and _is(run, int) and run <= last}, spans

    def _last_stored(self) -> float:
        """The greatest id of a run that is told of; all may be below where that can't be read."""
        told = []
        for query in (_LAST_RUN, _LAST_OF_JOBS):
            try:
                told.append(self._connection.execute(query).fetchone()[0])
            except UNREADABLE:
                return float("inf")
        return max((number for number in told if _is(number, int)), default=0)

    def _read_shape(self, number: int) -> Shape | None:
        try:
            rows = self._connection.execute(
                "SELECT position, name, tags FROM series WHERE shape = ? ORDER BY position", (number,)
            ).fetchall()
        except UNREADABLE:
            rows = []
        found = None
        if rows and all(row[0] == at and _is(row[1], str) and _is(row[2], str) for at, row in enumerate(rows)):
            found = [(name, tags) for _, name, tags in rows]
        try:
            row = self._connection.execute("SELECT signature FROM shapes WHERE id = ?", (number,)).fetchone()
        except UNREADABLE:
            row = None
        signed = row[0] if row and _is(row[0], str) else ""
        if found and (not signed or signature(found) == signed or not self._is_signed(number, signed)):
            return found
        return _series(signed) if signed else None

    def _is_signed(self, number: int, signed: str) -> bool:
        """Whether the index of signatures has this one: a third who says which of two is right."""
        try:
            return self._connection.execute(_SIGNED, (signed, number)).fetchone() is not None
        except UNREADABLE:
            return False

    def _has(self, table: str, column: str) -> bool:
        try:
            names = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
        except UNREADABLE:
            return False
        return (column,) in names

    def _all(self, table: str, key: str, columns: str, *kinds: type) -> list[Row]:
        """All rows of a small table whose columns after the key are of `kinds`."""
        try:
            rows = list(self._rows(table, key, columns, -1, []))
        except UNREADABLE:
            return []
        return [row for row in rows if all(_is(value, kind) for value, kind in zip(row[1:], kinds))]

    def _rows(self, table: str, key: str, columns: str, after: int, gaps: list[tuple[int, int]]) -> Iterator[Row]:
        """All rows behind `after` that can be read; `gaps` gets where others may be, before what comes behind."""
        query = f"SELECT {columns} FROM {table} WHERE {key} > ? ORDER BY {key}"  # noqa: S608 - names of our own
        probe = f"SELECT {key} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT 1"  # noqa: S608
        while True:
            held: Row | None = None
            ended = False
            try:
                for row in self._connection.execute(query, (after,)):
                    # Pages in a circle would never end.
                    if not _is(row[0], int) or row[0] <= after:
                        break
                    if held is not None and held[0] < row[0]:
                        after = held[0]
                        yield held
                    elif held is not None:
                        # It stands before a lesser one: its key is another by now, and would lead past all these.
                        gaps.append((after, row[0]))
                    held = row
                else:
                    ended = True
            except _NO_ROW:
                pass
            if held is not None:
                after = held[0]
                yield held
            if ended:
                return
            # The bindings look one row ahead: the last one before what can't be read was lost with it.
            row = _next(self._connection, f"{query} LIMIT 1", after)
            if row is not None:
                after = row[0]
                yield row
                continue
            # Of a long row its key can be read, and the rest, on another page, can not.
            row = _next(self._connection, probe, after)
            found = row[0] if row else _behind(self._connection, probe, after)
            gaps.append((after, END if found is None else found + 1))
            if found is None:
                return
            after = found


def _next(connection: Connection, query: str, after: int) -> Row | None:
    """The one row that `query` gives, if it can be read and its id, which comes first, is behind `after`."""
    try:
        row: Row | None = connection.execute(query, (after,)).fetchone()
    except _NO_ROW:
        return None
    return row if row and _is(row[0], int) and row[0] > after else None


def _behind(connection: Connection, probe: str, after: int) -> int | None:
    """From where on rows can be read again, None for nowhere: far enough, and then as near as can be."""

    def reads(at: int) -> int | None:
        """The id behind `at`, END for none, None where that can't be read."""
        try:
            row = connection.execute(probe, (at,)).fetchone()
        except _NO_ROW:
            return None
        return END if row is None else row[0] if _is(row[0], int) and row[0] > at else None

    step = 1
    while after + step < END and reads(after + step) is None:
        step *= 2
    if after + step >= END:
        return None
    low, high = after + step // 2, after + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reads(middle) is None else (low, middle)
    return None if reads(high) == END else high


def _is(value: object, kind: type) -> bool:
    """Not a name that is none: what has it would come back as something else."""
    return isinstance(value, kind) and not isinstance(value, Torn)


def is_run(row: Row) -> bool:
    """Whether the columns of a row are what those of a run can be."""
    if not all(_is(value, kind) for value, kind in zip(row[:9], _KINDS)):
        return False
    if not all(value is None or isinstance(value, kind) for value, kind in zip(row[9:], _KINDS[9:])):
        return False
    number, _, lead, _, boottime_ms, _, duration_us, outcome, priority = row[:9]
    return (
        number < END
        and -END < lead < END
        and outcome in (0, 1, 2)
        and priority in PRIORITIES
        # An event may have been before the boot in which it was found out.
        and -END < boottime_ms < END
        and 0 <= duration_us < END
    )


def values(packed: str) -> list[object] | None:
    """The values of a run, None for what is no list of numbers, texts and nulls."""
    try:
        found = parse(packed)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list):
        return None
    fine = all(value is None or isinstance(value, (int, float, str)) for value in found)
    return (
        found if fine and all(value == value and abs(value) != _INFINITY for value in found if _number(value)) else None
    )


_INFINITY = float("inf")


def _number(value: object) -> bool:
    return isinstance(value, (int, float))


def _series(signature: str) -> Shape | None:
    """A line for each: the name, and its tags as JSON."""
    found = []
    for line in signature.split("\n"):
        name, brace, tags = line.partition("{")
        if not name or not name.isprintable():
            return None
        found.append((name, brace + tags))
    return found
