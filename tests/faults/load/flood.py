"""10 000 samples a minute for two days over a network that comes and goes: the real programs, hours in seconds."""

from __future__ import annotations

import os
import random
import resource
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

from belabox_metrics import collect
from belabox_metrics.clock import Moment
from belabox_metrics.maintain.pace import Pace
from belabox_metrics.maintain.runner import maintain
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue
from belabox_metrics.store.checkpoint import log_size
from belabox_metrics.store.database import Store
from belabox_metrics.store.settings import replace_settings
from belabox_metrics.upload import uploader
from belabox_metrics.world import Reading, World

from ..outcome import Row
from ..server import Server

BEGIN_MS = 1_760_000_400_000
# A run a second of so many numbers, the first of which is the number of the run: 10 020 a minute.
NUMBERS = 167
SENDING_S = 30
HOUR_S = 3600
# How long the network is there, and how long it is not, seconds: by chance between these.
UP_S, DOWN_S = (30, 300), (10, 1800)
SEED = 20261121


class Flood:
    def __init__(self, folder: Path) -> None:
        self.server = Server()
        self.store = Store(str(folder / "metrics.db"))
        self._chance = random.Random(SEED)
        self._second = self._runs = 0
        self._collector = ModuleType("flood")
        vars(self._collector).update(METRIC="flood", PRIORITY=2, SETTINGS={}, collect=self._read)
        self.collecting_s: list[float] = []
        self.maintaining_s: list[float] = []
        self.outages = self.most_pending = self.largest = 0
        self.caught_up_s: list[int] = []
        replace_settings(
            self.store.path,
            [
                ("device", "id", 0, "box"),
                ("remote", "url", 0, self.server.url),
                ("remote", "enabled", 0, 1),
                ("metrics/flood", "interval_ms", 0, 1000),
            ],
        )

    def _read(self, _: World) -> Reading:
        self._runs += 1
        values = [Sample("flood.run", self._runs)]
        values += [
            Sample("flood.value", round(self._chance.uniform(0, 100), 2), {"of": str(at)}) for at in range(1, NUMBERS)
        ]
        return Reading(values)

    def moment(self) -> Moment:
        return Moment(BEGIN_MS + self._second * 1000, 60_000 + self._second * 1000, "boot", True)

    def live(self, hours: float) -> None:
        turn = self._second + self._chance.randint(*UP_S)
        since = None
        for _ in range(int(hours * HOUR_S)):
            if self._second >= turn:
                self.server.is_up = not self.server.is_up
                self.outages += not self.server.is_up
                since = self._second if self.server.is_up else None
                turn = self._second + self._chance.randint(*(UP_S if self.server.is_up else DOWN_S))
            self._collect()
            self._second += 1
            if self._second % SENDING_S == 0:
                uploader.upload(self.store, self.moment(), everything=False)
                pending = queue.pending_count(self.store.connection())
                self.most_pending = max(self.most_pending, pending)
                if since is not None and pending <= NUMBERS * SENDING_S:
                    self.caught_up_s.append(self._second - since)
                    since = None
            if self._second % HOUR_S == 0:
                self._maintain()
        self.server.is_up = True
        # Beyond what the last failure asks to wait.
        self._second += 2 * HOUR_S
        for _ in range(100):
            uploader.upload(self.store, self.moment(), everything=True)
            self._second += SENDING_S
            if not queue.pending_count(self.store.connection()):
                break

    def _collect(self) -> None:
        request = collect.Request("flood", "", self.store.path, False)
        began = time.process_time()
        collect.collect(self._collector, request, self.moment(), time.perf_counter_ns())
        self.collecting_s.append(time.process_time() - began)

    def _maintain(self) -> None:
        began = time.process_time()
        maintain(self.store, self.moment(), Pace(share=1))
        self.maintaining_s.append(time.process_time() - began)
        self.largest = max(self.largest, os.stat(self.store.path).st_size + log_size(self.store.path))

    def reckoned(self) -> Row:
        arrived: Counter[int] = Counter()
        others = 0
        for samples in self.server.bodies():
            for name, _, value in samples:
                if "flood_run" in name:
                    arrived[int(value)] += 1
                else:
                    others += 1
        missing = self._runs * (NUMBERS - 1) - others
        lost = max(self._runs - len(arrived), -(-missing // (NUMBERS - 1)))
        repeated = sum(times - 1 for times in arrived.values())
        (whole,) = self.store.connection().execute("PRAGMA integrity_check").fetchone()
        wrong = [] if whole == "ok" else [f"integrity_check: {whole}"]
        if left := queue.pending_count(self.store.connection()):
            wrong.append(f"{left} samples are still pending")
        self.collecting_s.sort()
        middle = self.collecting_s[len(self.collecting_s) // 2]
        hours = len(self.collecting_s) / HOUR_S
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        figures = (
            f"{self._runs * NUMBERS} samples in {hours:g} h",
            f"{self.outages} outages, {self.most_pending} pending at most",
            f"caught up {max(self.caught_up_s, default=0)} s after the longest",
            f"CPU {middle * 1000:.2g} ms a run of {NUMBERS}, {self.collecting_s[-1] * 1000:.2g} at most",
            f"{max(self.maintaining_s, default=0):.2g} s a maintenance at most",
            f"memory {memory} MB with the server in it",
            f"database {self.largest / 1e6:.0f} MB",
        )
        note = "; ".join(figures)
        return Row("10 000 samples a minute, flapping network", self._runs, lost, repeated, None, note, wrong)
