"""The runs of databases that were moved aside, for the importer: in the order of their ids, each of them once.

A wreck is read in two ways, with its log and, where nothing can be read so, without; and where another wreck was not
imported to its end before this one became one, that is read too. They all have ids of one order, so they are merged by
them. Of the same id the newer file knows best, as it knows what was sent since.

What was sent is known by the positions. Where they can't be read all of it is sent again: twice is better than never.
"""

from __future__ import annotations

import heapq
import os

from .. import clock
from ..stream.session import ACTIVE, COMPLETED, FAILED
from . import compiled, importer, quarantine, runs
from .carving import Carving
from .importer import Batch, OldRun
from .sqlite import UNREADABLE
from .wreck import View, is_run, values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection
    from typing import Callable, TypeVar

    from ..clock import Moment
    from .importer import OldSession
    from .quarantine import Aside
    from .wreck import Row

    Found = TypeVar("Found")

RUNS = 200
# An id that is farther ahead was written by nobody.
AHEAD_MS = 30 * 86_400_000
# Where the last id can't be read: after all that a clock can have said.
UNKNOWN_MS = 86_400_000
# Of a job whose name can't be read.
JOB = "salvaged"


class Wrecks:
    """The source of an import: all of `asides`, of which the newest had given it its name."""

    def __init__(self, name: str, asides: list[Aside]) -> None:
        self.name = name
        self.views: list[View] = []
        self._paths: list[str] = []
        for aside in reversed(asides):
            for with_log in (True, False):
                try:
                    self.views.append(View(aside.path, with_log))
                except UNREADABLE:
                    continue
            self._paths.append(aside.path)

    def close(self) -> None:
        for view in self.views:
            view.close()

    def upto(self, moment: Moment) -> int:
        """An id above all that there can be. A clock that nobody has set may be behind all that was sampled."""
        latest_ms = moment.wall_ms + AHEAD_MS if moment.synchronized else clock.LATEST_MS
        last = max([view.last_run(latest_ms) for view in self.views], default=0)
        return last + 1 if last > 0 else moment.wall_ms + UNKNOWN_MS

    def gaps(self) -> int:
        """Stretches that could not be read since this was opened, in the way that fares better."""
        return min([view.gaps for view in self.views], default=0)

    def batches(self, cursor: str) -> Iterator[Batch]:
        """As importer.Source says; the cursor is the last id."""
        after = int(cursor or -1)
        sessions = self._ended() if not cursor else []
        found: list[OldRun] = []
        rows = told = 0
        for view, row in self._merged(after):
            run = self._made(view, row)
            rows += 1
            if run is not None:
                found.append(run)
            if rows == RUNS:
                lost = self._lost()
                yield Batch(found, str(row[0]), rows, rows - len(found) + lost - told, sessions)
                found, rows, told, sessions = [], 0, lost, []
            after = row[0]
        if rows or sessions or self._lost() > told:
            yield Batch(found, str(after), rows, rows - len(found) + self._lost() - told, sessions)

    def _lost(self) -> int:
        """Rows that were seen since this was opened and can't be runs: once, though each way sees them."""
        return sum(max((view.lost for view in self.views if view.path == path), default=0) for path in self._paths)

    def better(self, view: View) -> list[View]:
        """The other ways to see the same file that come before `view`."""
        return [seen for seen in self.views[: self.views.index(view)] if seen.path == view.path]

    def _merged(self, after: int) -> Iterator[tuple[View, Row]]:
        """Each row once, by id; of several the first view's. The file without its log, and what was carved out of
        pages, fill the gaps: elsewhere they have what was deleted since, as it was rolled up."""
        ranked = [(view, view.runs(after), self.better(view)) for view in self.views]
        for path in self._paths:
            views = [view for view in self.views if view.path == path]
            if views:
                ranked.append((views[0], _carved(path, views, after), views))
        streams = [_stream(rank, rows) for rank, (_, rows, _) in enumerate(ranked)]
        last = after
        for number, rank, row in heapq.merge(*streams):
            view, _, better = ranked[rank]
            # Each is read up to here by now, and its gaps are known as far.
            if number > last and all(seen.is_gap(number) for seen in better):
                last = number
                yield view, row

    def _made(self, view: View, row: Row) -> OldRun | None:
        number, job, lead, boot, boottime_ms, synchronized, duration_us = row[:7]
        outcome, priority, session, shape, packed, error = row[7:]
        series: list[tuple[str, str]] = []
        size = 0
        if packed is not None:
            found = values(packed)
            known = None if shape is None else self._first(view, lambda seen: seen.shape(shape))
            if found is None or known is None or len(found) != len(known):
                return None
            series = known
            size = sum(isinstance(value, (int, float)) for value in found)
        name, metric = self._first(view, lambda seen: seen.jobs.get(job)) or (JOB, "")
        knows = self._first(view, lambda seen: seen if seen.knows_sent() else None)
        sent = knows is not None and knows.is_sent(priority, number)
        return OldRun(
            number - lead,
            series,
            packed,
            size,
            sent=sent,
            priority=priority,
            session=self._first(view, lambda seen: seen.sessions.get(session, [""])[0]) or "",
            number=number,
            job=name,
            metric=metric,
            boot_id=self._first(view, lambda seen: seen.boots.get(boot)) or "",
            boottime_ms=boottime_ms,
            synchronized=bool(synchronized),
            duration_us=duration_us,
            outcome=outcome,
            error=error[: runs.ERROR_LIMIT] if error else None,
        )

    def _first(self, view: View, ask: Callable[[View], Found | None]) -> Found | None:
        """What `view` answers, or else the other way to see the same file."""
        for seen in (view, *[other for other in self.views if other.path == view.path]):
            answer = ask(seen)
            if answer:
                return answer
        return None

    def _ended(self) -> list[OldSession]:
        """All sessions. One that was live is over, unless it was carried over when the new database was made."""
        found: dict[str, OldSession] = {}
        for view in self.views:
            for uuid, start_ms, end_ms, status, metadata in view.sessions.values():
                text = metadata if isinstance(metadata, str) else None
                if status == ACTIVE or status not in (COMPLETED, FAILED):
                    found.setdefault(uuid, (uuid, start_ms, start_ms, FAILED, None))
                else:
                    end = end_ms if isinstance(end_ms, int) else start_ms
                    found.setdefault(uuid, (uuid, start_ms, end, status, text))
        return list(found.values())


def _stream(rank: int, rows: Iterator[Row]) -> Iterator[tuple[int, int, Row]]:
    for row in rows:
        yield row[0], rank, row


def _carved(path: str, views: list[View], after: int) -> Iterator[Row]:
    """Rows out of single pages, looked for only where something is missing."""
    return filter(is_run, Carving(path).runs(after) if _is_torn(views, after) else ())


def _is_torn(views: list[View], after: int) -> bool:
    """Whether no view can be read to its end without a gap. Reads them all, which is a part of what is done next."""
    return not any(view.is_whole(after) for view in views)


def begin(connection: Connection, path: str) -> None:
    """Let a database that is being made beside damaged ones go on where they ended, and await their runs. Inside the
    transaction that makes it."""
    asides = quarantine.unsalvaged(path)
    wrecks = Wrecks(os.path.basename(asides[-1].path), asides)
    moment = clock.now()
    # How many there are nobody can count.
    importer.begin(connection, wrecks.name, moment, wrecks.upto(moment), 0)
    _carry(connection, wrecks.views[:2])
    wrecks.close()


def _carry(connection: Connection, views: list[View]) -> None:
    """What jobs remember, the settings they work by, and the session that is live: a stream goes on while its database
    is made anew. The first of `views` has the last word: that an alert, or the stream, is over may stand in the log
    alone."""
    compiled.carry(connection, [*dict.fromkeys(view.path for view in views)])
    memories: dict[Row, Row] = {}
    sessions: dict[str, tuple[View, int, Row]] = {}
    for view in reversed(views):
        for boot_id, offset_ms in view.offsets().items():
            number = runs.boot_number(connection, boot_id)
            connection.execute("UPDATE boots SET offset_ms = ? WHERE id = ? AND offset_ms IS NULL", (offset_ms, number))
        memories.update({row[:2]: row[2:] for row in view.memories()})
        sessions.update({row[0]: (view, number, row) for number, row in view.sessions.items()})
    for (job, metric), (state, boot_id, boottime_ms, alerts) in memories.items():
        if job == importer.JOB or not (state or alerts):
            continue
        boot = runs.boot_number(connection, boot_id) if boot_id and isinstance(boottime_ms, int) else None
        connection.execute(
            "UPDATE jobs SET state = ?, state_boot = ?, state_boottime_ms = ?, alerts = ? WHERE id = ?",
            (
                _text(state),
                boot,
                None if boot is None else boottime_ms,
                _text(alerts),
                runs.job_number(connection, job, metric),
            ),
        )
    for view, number, (uuid, start_ms, _, status, metadata) in sessions.values():
        if status == ACTIVE:
            connection.execute(
                "INSERT OR IGNORE INTO sessions (id, start_time, status, metadata, of_boot) VALUES (?, ?, ?, ?, ?)",
                (uuid, start_ms, status, _text(metadata), _boot_of(connection, view, number)),
            )


def _boot_of(connection: Connection, view: View, session: int) -> int | None:
    boot_id = view.boot_of(session)
    return runs.boot_number(connection, boot_id) if boot_id else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
