"""A box with a clock that the test moves, whose maintenance runs in this process and waits for nobody."""

from __future__ import annotations

from pathlib import Path

from belabox_metrics.clock import Moment
from belabox_metrics.maintain.pace import Pace
from belabox_metrics.maintain.runner import STEPS, maintain
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

START_MS = 1_700_000_040_000  # a whole minute
SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Box:
    """`sends`: whether samples are to be sent somewhere."""

    def __init__(self, folder: Path, sends: bool = False, **storage: int) -> None:
        self.store = Store(str(folder / "metrics.db"))
        self.moment = Moment(START_MS, HOUR_MS, "boot", True)
        self.configure(sends, **storage)

    def configure(self, sends: bool, **storage: int) -> None:
        rows: list[tuple[str, str, int, str | int | float]] = [
            ("device", "id", 0, "box"),
            ("remote", "url", 0, "http://127.0.0.1:9/"),
            ("remote", "enabled", 0, int(sends)),
            ("storage", "reserve_bytes", 0, 1),
        ]
        for key, value in storage.items():
            section, _, name = key.rpartition("__")
            row = ("storage.retention" if section else "storage", name, 0, value)
            rows = [one for one in rows if one[:2] != row[:2]] + [row]
        replace_settings(self.store.path, rows)

    def wait(self, ms: int, boottime_ms: int | None = None) -> None:
        moment = self.moment
        passed = ms if boottime_ms is None else boottime_ms
        self.moment = Moment(moment.wall_ms + ms, moment.boottime_ms + passed, moment.boot_id, moment.synchronized)

    def sample(self, priority: int = 2, count: int = 1, value: float = 1.0, metric: str = "n") -> int:
        """One run of `count` series; its id."""
        return self.run([Sample(f"{metric}.value", value, {"at": str(at)}) for at in range(count)], priority, metric)

    def run(self, samples: list[Sample], priority: int = 2, metric: str = "n", outcome: int = runs.DONE) -> int:
        run = runs.Run("collect", self.moment, metric=metric, samples=samples, priority=priority, outcome=outcome)
        with self.store.writing() as connection:
            runs.add(connection, run)
        return queue.frontier(self.store.connection())

    def sent(self, priority: int, run: int) -> None:
        """All of `priority` up to `run` has arrived."""
        with self.store.writing() as connection:
            before = queue.position(connection, priority)
            waiting = queue.waiting(connection, priority, before, run, 2**31)
            queue.advance(connection, priority, run)
            queue.count(connection, priority, sent=sum(len(one.numbers) for one in waiting))

    def maintain(self, rows: int = 200, only: str = "") -> None:
        """All steps, or the one of this name; so many rows in the first transactions."""
        pace = Pace(share=1)
        pace.rows = rows
        maintain(self.store, self.moment, pace, tuple(step for step in STEPS if only in ("", step[0])))

    def pending(self) -> int:
        return queue.pending_count(self.store.connection())

    def really_pending(self) -> int:
        """The same, counted."""
        found = self.sql("SELECT count(*) FROM metrics WHERE NOT uploaded AND metric_value IS NOT NULL")
        return int(str(found[0][0]))

    def sql(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return self.store.connection().execute(query, values).fetchall()

    def count(self, table: str) -> int:
        return int(str(self.sql(f"SELECT count(*) FROM {table}")[0][0]))
