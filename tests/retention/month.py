"""A box that lives through days in minutes: it collects, sends, and maintains itself by the hour with the real code."""

from __future__ import annotations

import time

from belabox_metrics.clock import Moment
from belabox_metrics.event import Event
from belabox_metrics.maintain.pace import Pace
from belabox_metrics.maintain.runner import maintain
from belabox_metrics.store import events, queue, runs
from belabox_metrics.store.checkpoint import log_size
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

from .schedule import Metric, Source

EPOCH_S = 1_760_000_400  # a whole hour
HOUR_S = 3600
# The clock of the box stands still while it collects so much.
PORTION_S = 300
# A stream a day, from this hour on for so many.
LIVE_FROM, LIVE_HOURS = 18, 5


class Watch(Pace):
    """It tells of each transaction, and of each time that the log was folded in, how long it held the lock."""

    def __init__(self, held_s: list[float], folding_s: list[float]) -> None:
        super().__init__(share=1, budget_s=600)
        self._held_s = held_s
        self._folding_s = folding_s

    def held(self, seconds: float, rows: int) -> None:
        super().held(seconds, rows)
        self._held_s.append(seconds)

    def folded(self, seconds: float) -> None:
        super().folded(seconds)
        self._folding_s.append(seconds)


class Month:
    """`hours`: so many were lived through. `held_s`: how long each transaction of maintenance held the lock,
    `folding_s`: the log being folded in; `cpu_s`: of each maintenance; `largest`: bytes of the file, and its log, at
    most."""

    def __init__(self, path: str, schedule: tuple[Metric, ...], **settings: int) -> None:
        self.store = Store(path)
        rows: list[tuple[str, str, int, str | int | float]] = [
            ("device", "id", 0, "month"),
            ("remote", "enabled", 0, 1),
            ("remote", "url", 0, "http://127.0.0.1:9/"),
        ]
        rows += [("storage.retention", key, 0, value) for key, value in settings.items()]
        replace_settings(path, rows)
        self._sources = [Source(metric, seed) for seed, metric in enumerate(schedule)]
        self._boot = 0
        self._boot_s = EPOCH_S - 60
        self.hours = 0
        self.runs = self.samples = 0
        self.held_s: list[float] = []
        self.folding_s: list[float] = []
        self.cpu_s: list[float] = []
        self.largest = 0

    def moment(self, at_s: int) -> Moment:
        return Moment(at_s * 1000, (at_s - self._boot_s) * 1000, f"boot-{self._boot}", True)

    def hour(self) -> None:
        """Collect for an hour, send it, maintain. Every second night the box is switched off for a moment."""
        begin = EPOCH_S + self.hours * HOUR_S
        of_day = self.hours % 24
        if self.hours % 48 == 47:
            self._boot, self._boot_s = self._boot + 1, begin - 30
            for source in self._sources:
                source.restart()
        live = LIVE_FROM <= of_day < LIVE_FROM + LIVE_HOURS
        for portion in range(begin, begin + HOUR_S, PORTION_S):
            with self.store.writing(checkpoint_first=True) as connection:
                for second in range(portion, portion + PORTION_S, 5):
                    self._collect(connection, second, live)
        self._send()
        self.hours += 1
        self._maintain()

    def _collect(self, connection: object, second: int, live: bool) -> None:
        moment = self.moment(second)
        for source in self._sources:
            metric = source.metric
            if second % metric.every_s:
                continue
            silent = metric.streaming and not live
            run = runs.Run(
                "collect",
                moment,
                metric=metric.name,
                samples=[] if silent else source.samples(),
                outcome=runs.NO_DATA if silent else runs.DONE,
                priority=metric.priority,
                error="no stream is live" if silent else "",
                duration_us=2345,
            )
            runs.add(connection, run)  # type: ignore[arg-type]
            self.runs += 1
            self.samples += run.size
        if second % 30 == 0:
            runs.add(connection, runs.Run("upload", moment, priority=3, duration_us=34_567))  # type: ignore[arg-type]
        if live and second % 1200 == 0:
            event = Event("link_down", second * 1000, {"link": "wwan0"}, 0, "no carrier")
            events.add(connection, [event], moment)  # type: ignore[arg-type]

    def _send(self) -> None:
        with self.store.writing() as connection:
            frontier = queue.frontier(connection)
            for priority in queue.PRIORITIES:
                waiting = queue.waiting(connection, priority, queue.position(connection, priority), frontier, 2**31)
                queue.advance(connection, priority, frontier)
                queue.count(connection, priority, sent=sum(len(run.numbers) for run in waiting))

    def _maintain(self) -> None:
        pace = Watch(self.held_s, self.folding_s)
        began = time.process_time()
        maintain(self.store, self.moment(EPOCH_S + self.hours * HOUR_S), pace)
        self.cpu_s.append(time.process_time() - began)
        pages, size = (self._number(f"PRAGMA {name}") for name in ("page_count", "page_size"))
        self.largest = max(self.largest, pages * size + log_size(self.store.path))

    def _number(self, query: str) -> int:
        return int(self.store.connection().execute(query).fetchone()[0])

    def sizes(self) -> dict[str, int]:
        """Rows of each table that grows, bytes of the file and of what of it is in use."""
        tables = ("runs", "minutes", "five_minutes", "hours", "shapes", "boots")
        found = {table: self._number(f"SELECT count(*) FROM {table}") for table in tables}
        pages, free, size = (self._number(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        return {**found, "file_bytes": pages * size, "used_bytes": (pages - free) * size}
