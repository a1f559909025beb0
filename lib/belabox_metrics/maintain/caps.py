"""When there is no room left: what is least important goes, the oldest of it first, and all of it is counted.

The order: what was sent before what was not, as the server has it; of these priority 3 before 2 before 1; and of
priority 0 only when nothing else is left.

Rows of all priorities lie among each other, and SQLite frees a page only when it is nearly empty. So what stays of a
stretch of rows is written anew where the stretch was, closely, or two thirds of it would have to go before the first
page is free.
"""

from __future__ import annotations

from .. import journal
from ..sample import Sample
from ..store import queue
from . import hours
from .room import Room
from .standing import Standing
from .steps import SHAPES, Names, numbers_in, of_row
from .work import Done

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Any

    from .work import Work

    Row = tuple[Any, ...]

# (priority, whether it waits to be sent)
ORDER = ((3, False), (2, False), (1, False), (3, True), (2, True), (1, True), (0, False), (0, True))
# The older ones first.
_ROLLED = ("five_minutes", "minutes")
_NEXT = "SELECT id FROM {table} WHERE id > ? AND id < (SELECT max(id) FROM {table}) ORDER BY id LIMIT 1"
_UPTO = "SELECT * FROM {table} WHERE id > ? AND id <= ? AND id < (SELECT max(id) FROM {table}) ORDER BY id LIMIT {most}"
# A stretch is what has ids of the same multiple of this: a minute of runs, eight steps. Who was killed goes on with the
# same stretches, however many rows are left in them.
_STRETCHES = {"runs": 60_000, "minutes": 8 * SHAPES, "five_minutes": 8 * SHAPES}
# No schedule has so many in a minute.
_MOST = 2000


class _Tally:
    """Numbers that went, by priority."""

    def __init__(self) -> None:
        self.pending = dict.fromkeys(queue.PRIORITIES, 0)
        self.sent = dict.fromkeys(queue.PRIORITIES, 0)


def make_room(work: Work) -> Done:
    """Drop what there is no room for."""
    room = Room(work.store, work.settings)
    tally = _Tally()
    names = Names(work.connection)
    for priority, pending in ORDER if room.over else ():
        for table in (*(() if pending else _ROLLED), "runs"):
            _drop(work, table, priority, pending, tally, names)
    room = Room(work.store, work.settings)
    samples = [Sample("storage.used_bytes", room.used), Sample("storage.free_bytes", room.free)]
    for state, numbers in (("pending", tally.pending), ("sent", tally.sent)):
        samples += [
            Sample("storage.samples_dropped", count, {"priority": str(priority), "state": state})
            for priority, count in numbers.items()
            if count
        ]
    message = _told(tally)
    return Done(samples, message, warning=bool(message), message_id=journal.DROPPED if message else "")


def _told(tally: _Tally) -> str:
    said = [
        f"{count} samples of priority {priority} that {state}"
        for state, numbers in (("were never sent", tally.pending), ("were sent", tally.sent))
        for priority, count in sorted(numbers.items(), reverse=True)
        if count
    ]
    return f"no room: dropped {', '.join(said)}" if said else ""


def _drop(work: Work, table: str, priority: int, pending: bool, tally: _Tally, names: Names) -> None:
    """From the oldest row of `table` on, until there is room or no row of this kind is left."""
    name = f"drop.{table}.{priority}.{pending:d}"
    chosen = _Chosen(table, priority, pending)
    after = work.memory.mark(name)
    waits: int | None = None
    while not work.pace.is_over and Room(work.store, work.settings).over:
        found = work.connection.execute(_NEXT.format(table=table), (after,)).fetchone()
        if found is None:
            break
        upto = (found[0] // _STRETCHES[table] + 1) * _STRETCHES[table] - 1
        chosen.standing = Standing(work.connection)
        if table == "runs" and not pending:
            # What waits is passed over, and may be sent by the next time: then it is the oldest that goes.
            begin, end = chosen.standing.next_wait(priority, found[0])
            if begin < found[0]:
                waits = begin if waits is None else waits
                after = end
                continue
            upto = min(upto, begin)
        query = _UPTO.format(table=table, most=_MOST)
        rows = work.connection.execute(query, (after, upto)).fetchall()
        if len(rows) == _MOST:
            upto = rows[-1][0]
        # Looked at without the lock first: of what is rare there is none in most stretches.
        if any(chosen.has(row) for row in rows):
            with work.pace.writing(work.store, len(rows)) as writing:
                chosen.standing = Standing(writing)
                rows = writing.execute(query, (after, upto)).fetchall()
                gone = [row for row in rows if chosen.has(row)]
                kept = [row for row in rows if not chosen.has(row)]
                _replace(writing, table, rows[0][0], rows[-1][0], kept)
                numbers = _numbers(writing, table, gone, names)
                if pending:
                    queue.drop(writing, priority, work.now_ms, pending=numbers)
                else:
                    queue.drop(writing, priority, work.now_ms, sent=numbers)
            (tally.pending if pending else tally.sent)[priority] += numbers
        after = upto
    work.memory.marks[name] = after if waits is None else waits


class _Chosen:
    """Which rows of `table` are to go."""

    standing: Standing

    def __init__(self, table: str, priority: int, pending: bool) -> None:
        self._is_run = table == "runs"
        self._priority = priority
        self._pending = pending

    def has(self, row: Row) -> bool:
        if not self._is_run:
            _, _, priority, *_ = row
            return bool(priority == self._priority)
        run, priority = row[0], row[8]
        if priority != self._priority or self.standing.is_under_way(priority, run):
            return False
        return self.standing.is_sent(priority, run) != self._pending


def _replace(connection: Connection, table: str, first: int, last: int, kept: list[Row]) -> None:
    connection.execute(f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", (first, last))  # noqa: S608 - a name of ours
    if kept:
        marks = ", ".join("?" * len(kept[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", kept)  # noqa: S608 - a name of ours


def _numbers(connection: Connection, table: str, gone: list[Row], names: Names) -> int:
    """How many numbers were in these rows; runs are counted in `hours`. Inside a transaction."""
    if table != "runs":
        return sum(of_row(names.of(row[0] % SHAPES), *row[1:]).numbers for row in gone)
    hours.count(connection, [(row[0] - row[2], row[1], row[7]) for row in gone])
    return sum(numbers_in(row[11]) for row in gone if row[11] is not None)
