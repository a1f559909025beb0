"""Days of a box in seconds: the real programs, to which the clocks are handed in.

There are two clocks here. One is the truth, which the server has as well. The other is the box's: `error_ms` ahead of
it, set by a time server or not; and its time since boot, which may be too fast by some millionths.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from belabox_metrics import clock, collect, skew
from belabox_metrics.clock import Moment
from belabox_metrics.maintain.pace import Pace
from belabox_metrics.maintain.runner import maintain
from belabox_metrics.sample import Sample
from belabox_metrics.store import boots
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.upload import correction, uploader
from belabox_metrics.world import Reading, World

from ..quiet import quiet
from ..server import Server

TRUE_MS = 1_760_000_400_000
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1000, 60_000, 3_600_000, 86_400_000
# How long after it has begun a box collects for the first time.
STARTING_MS = 20_000
METRIC = "truth"
# What else may be collected, for where several are at one moment.
OTHERS = ("truth.too", "truth.also")


class Life:
    """Time passes by `live`. What is collected is one number: what time it really is."""

    def __init__(self, folder: Path, server: Server, step_ms: int) -> None:
        self.store = Store(str(folder / "metrics.db"))
        self.true_ms = TRUE_MS
        self.server = server
        self.error_ms = 0
        self.synchronized = True
        # The quartz: of a million seconds so many too many.
        self.too_fast = 0.0
        # Metric and true time of each run; and what the clock showed, where a time server kept it.
        self.taken: list[tuple[str, int]] = []
        self.kept: list[tuple[str, int, int]] = []
        self._step_ms = step_ms
        self._boots = itertools.count()
        self._error_grown_ms = 0.0
        replace_settings(
            self.store.path,
            [
                ("device", "id", 0, "box"),
                ("remote", "url", 0, server.url),
                ("remote", "enabled", 0, 1),
                ("remote", "timeout_ms", 0, 5000),
                (f"metrics/{METRIC}", "interval_ms", 0, step_ms),
            ],
        )
        self.boot(0, synchronized=True)

    def _collector(self, metric: str) -> ModuleType:
        def read(_: World) -> Reading:
            self.taken.append((metric, self.true_ms))
            if self.synchronized:
                self.kept.append((metric, self.true_ms, self.moment().wall_ms))
            return Reading([Sample("truth.ms", self.true_ms, {"of": metric})])

        made = ModuleType(metric)
        vars(made).update(METRIC=metric, PRIORITY=2, SETTINGS={}, collect=read)
        return made

    def moment(self) -> Moment:
        wall_ms = self.true_ms + self.error_ms + int(self._error_grown_ms)
        return Moment(wall_ms, int(self._boottime_ms), self._boot_id, self.synchronized)

    def boot(self, error_ms: int, *, synchronized: bool = False) -> None:
        """Switched on; the clock has this error, and is nobody's unless somebody has set it."""
        self._boot_id = f"boot-{next(self._boots)}"
        self._boottime_ms = float(STARTING_MS)
        self.error_ms, self.synchronized, self._error_grown_ms = error_ms, synchronized, 0.0

    def set(self, error_ms: int = 0, *, synchronized: bool = False) -> None:
        """Somebody sets the clock: a time server, or a person by hand."""
        self.error_ms, self.synchronized, self._error_grown_ms = error_ms, synchronized, 0.0

    def offset_ms(self) -> int | None:
        """What is known of the time in this boot."""
        connection = self.store.connection()
        boot = boots.number(connection, self._boot_id)
        return None if boot is None else boots.offset_ms(connection, boot)

    def live_alone(self, hours: float) -> None:
        """Without a network. What is not known of the time stays so, at each step."""
        known = self.offset_ms()
        self.server.is_up = False
        self.live(hours)
        self.server.is_up = True
        if self.offset_ms() != known:
            raise RuntimeError(f"{self.server.when_down}: without a network the box has learned the time")

    def live_a_second(self, parts: int) -> None:
        """Collect several metrics at once, and again, within a second."""
        for at in range(parts):
            for metric in (METRIC, *OTHERS):
                self._collect(metric)
            self._pass((at + 1) * SECOND_MS // parts - at * SECOND_MS // parts)

    def live(self, hours: float) -> None:
        """Collect at each step, send every tenth, compare clocks and maintain by the hour."""
        steps = max(1, round(hours * HOUR_MS / self._step_ms))
        for at in range(steps):
            self._collect(METRIC)
            if at % 10 == 9 or at == steps - 1:
                self._send()
            if (at + 1) * self._step_ms % HOUR_MS < self._step_ms:
                self.keep_house()
            self._pass(self._step_ms)

    def _pass(self, ms: int) -> None:
        self.true_ms += ms
        grown = ms * self.too_fast / 1e6
        self._boottime_ms += ms + grown
        # A clock that a server keeps is drawn back.
        if not self.synchronized:
            self._error_grown_ms += grown

    def _collect(self, metric: str) -> None:
        request = collect.Request(metric, "", self.store.path, False)
        code = collect.collect(self._collector(metric), request, self.moment(), time.perf_counter_ns())
        if code:
            raise RuntimeError(f"collect: {code}")

    def _send(self) -> None:
        uploader.upload(self.store, self.moment(), everything=True)

    def keep_house(self) -> None:
        if self.server.is_up:
            skew.compare(self.store, self.moment(), self.moment)
        maintain(self.store, self.moment(), Pace(share=1))


@contextmanager
def handed_in(life: Life) -> Iterator[None]:
    """What asks for the time by itself is given the box's; what is told goes nowhere."""
    # Where a function has the clock as a default it was bound when it was made.
    functions: list[Any] = [correction.prepare, skew.probe, skew.measure, skew.compare]
    before = [function.__defaults__ for function in functions]
    real_now, real_boottime_ms = clock.now, clock.boottime_ms
    clock.now = lambda marks=(): life.moment()
    clock.boottime_ms = lambda: life.moment().boottime_ms
    for function in functions:
        function.__defaults__ = (life.moment,)
    try:
        with quiet():
            yield
    finally:
        clock.now, clock.boottime_ms = real_now, real_boottime_ms
        for function, defaults in zip(functions, before):
            function.__defaults__ = defaults
