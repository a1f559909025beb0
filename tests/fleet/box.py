"""One box of the fleet: its own database, token and timers; the program's own queue and uploader."""

from __future__ import annotations

import os
import re
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple

from belabox_metrics import wake
from belabox_metrics.clock import Moment
from belabox_metrics.config.duration import parse as duration
from belabox_metrics.sample import Sample
from belabox_metrics.schedule import phase, units
from belabox_metrics.schedule.plan import timings
from belabox_metrics.store import queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.upload import uploader

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from belabox_metrics.config.configuration import Configuration

    from .clockwork import Clock
    from .streaming_box import Collected

# Nothing starts a collector before that, as small boards are busy.
BOOT_S = 20.0
SEND_BY = units.UPLOAD


class Timer(NamedTuple):
    """Of the rendered timer of uploads: seconds after boot, after each end, and at random."""

    first_s: float
    pause_s: float
    random_s: float


class Model:
    """What all boxes have in common, reckoned once: the settings, what is collected and when.

    `in_step`: without what `device.id` makes of the timers."""

    def __init__(self, configuration: Configuration, metrics: list[Collected], in_step: bool) -> None:
        self.metrics = metrics
        self.settings = configuration.settings()
        self._in_step = in_step
        own = phase.of(configuration.device_id)
        offsets = {timing.metric.name: timing.offset_ms for timing in timings(configuration)}
        self._offsets = {one.metric: (offsets[one.metric] - own) % one.interval_ms for one in metrics}
        found = dict(
            re.findall(
                r"^(OnBootSec|OnUnitInactiveSec|RandomizedDelaySec)=(\w+)$",
                units.render(configuration)[SEND_BY],
                re.MULTILINE,
            )
        )
        first, self._pause_s, self._random_s = (
            duration(found[key]) / 1000 for key in ("OnBootSec", "OnUnitInactiveSec", "RandomizedDelaySec")
        )
        self._first_s = first - own / 1000 % self._pause_s

    def turn_ms(self, device_id: str) -> int:
        return 0 if self._in_step else phase.of(device_id)

    def offset_ms(self, one: Collected, device_id: str) -> int:
        return (self._offsets[one.metric] + self.turn_ms(device_id)) % one.interval_ms

    def timer(self, device_id: str) -> Timer:
        return Timer(self._first_s + self.turn_ms(device_id) / 1000 % self._pause_s, self._pause_s, self._random_s)


class Box:
    """`began_ms`: the wall clock when the fleet got its power. `live`: it streams all the time. `urgent`: a collector
    asked for the upload of now, which is `connected` from its first request on."""

    def __init__(
        self, name: str, folder: Path, model: Model, clock: Clock, began_ms: int, live: bool, chance: random.Random
    ) -> None:
        self.name = name
        self.folder = folder
        self.live = live
        self.urgent = False
        self.connected = False
        self._clock = clock
        self._began_ms = began_ms
        self._chance = chance
        self._boot_id = f"{chance.getrandbits(128):032x}"
        self._metrics = [(one, model.offset_ms(one, name)) for one in model.metrics if live or not one.is_streaming]
        self._high = [pair for pair in self._metrics if pair[0].priority <= runs.HIGH]
        self._timer = model.timer(name)
        self._timer_s = self._timer.first_s + chance.uniform(0, self._timer.random_s)
        self._collected_ms = began_ms + int(BOOT_S * 1000)
        self._busy_ms = 0
        self._retry_ms: int | None = None
        folder.mkdir()
        self.store = Store(str(folder / "metrics.db"))
        own = [(*row[:3], name) if row[:2] == ("device", "id") else row for row in model.settings]
        replace_settings(self.store.path, own)
        if live:
            with self.store.writing() as connection:
                connection.execute("INSERT INTO sessions (id, start_time, status) VALUES ('live', 0, 'active')")

    # ---- events ----

    def next_s(self) -> float:
        """When there is something to do but to collect: the timer, or a collector that may ask for an upload."""
        return min(self._timer_s, self._next_asking_s())

    def step(self) -> None:
        """Do it; the clock stands at next_s()."""
        now_ms = self._began_ms + round(self._clock.now_s * 1000)
        asking = self.next_s() < self._timer_s
        self.collect(now_ms)
        if not asking:
            self.upload()
            return
        moment = self._moment()
        for one, offset_ms in self._metrics:
            if (now_ms - offset_ms) % one.interval_ms:
                continue
            connection = self.store.connection()
            if one.priority > runs.HIGH and not runs.retry_has_come(connection, moment):
                continue
            if wake.is_due(connection, one.priority, one.interval_ms, moment):
                self.urgent = True
                self.upload()
                self.urgent = False
                return

    def _next_asking_s(self) -> float:
        after_ms = max(self._collected_ms, self._busy_ms)
        found = [_next(after_ms, one, offset_ms) for one, offset_ms in self._high]
        if self._retry_ms is not None:
            found += [_next(max(after_ms, self._retry_ms - 1), one, offset_ms) for one, offset_ms in self._metrics]
        return (min(found) - self._began_ms) / 1000 if found else float("inf")

    # ---- what happens ----

    def collect(self, upto_ms: int) -> None:
        """Everything that is due by then and is not stored yet."""
        due = []
        for one, offset_ms in self._metrics:
            at = _next(self._collected_ms, one, offset_ms)
            due += [(moment, one) for moment in range(at, upto_ms + 1, one.interval_ms)]
        self._collected_ms = max(upto_ms, self._collected_ms)
        if not due:
            return
        with self.store.writing() as connection:
            for at_ms, one in sorted(due, key=lambda pair: pair[0]):
                moment = Moment(at_ms, at_ms - self._began_ms, self._boot_id, True)
                samples = [self._changed(sample) for sample in one.samples]
                runs.add(
                    connection, runs.Run("collect", moment, metric=one.metric, samples=samples, priority=one.priority)
                )

    def upload(self, everything: bool = False) -> None:
        self.connected = False
        os.environ["CREDENTIALS_DIRECTORY"] = str(self.folder)
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere), redirect_stdout(nowhere):
            uploader.upload(self.store, self._moment(), everything=everything)
        ended_s = self._clock.now_s
        self._busy_ms = self._began_ms + round(ended_s * 1000)
        self._timer_s = ended_s + self._timer.pause_s + self._chance.uniform(0, self._timer.random_s)
        row = self.store.connection().execute("SELECT retry_boottime_ms FROM link").fetchone()
        self._retry_ms = None if row is None or row[0] is None else self._began_ms + int(row[0])

    def _changed(self, sample: Sample) -> Sample:
        """Numbers move, or a server would have nothing to store."""
        value = sample.value
        if isinstance(value, (int, float)):
            value = (
                value + self._chance.randrange(100)
                if isinstance(value, int)
                else round(value + self._chance.random(), 2)
            )
        return Sample(sample.name, value, sample.tags)

    def _moment(self) -> Moment:
        since_ms = round(self._clock.now_s * 1000)
        return Moment(self._began_ms + since_ms, since_ms, self._boot_id, True)

    # ---- the reckoning ----

    def account(self) -> dict[str, int]:
        """Numbers stored, accepted, set aside, and still waiting."""
        connection = self.store.connection()
        stored = connection.execute("SELECT sum(samples_total) FROM jobs WHERE job = 'collect'").fetchone()[0]
        sent, rejected = connection.execute("SELECT sum(samples_sent), sum(samples_rejected) FROM positions").fetchone()
        return {"stored": stored, "sent": sent, "rejected": rejected, "pending": queue.pending_count(connection)}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Of the view `metrics`, the numbers."""
        names = ("metric_name", "metric_value", "tags", "device_id", "timestamp_ms")
        found = self.store.connection().execute(f"SELECT {', '.join(names)} FROM metrics WHERE value_type = 0")
        return (dict(zip(names, row)) for row in found)


def _next(after_ms: int, one: Collected, offset_ms: int) -> int:
    """The first start of a metric later than `after_ms`."""
    return after_ms + one.interval_ms - (after_ms - offset_ms) % one.interval_ms
