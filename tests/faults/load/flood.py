"""10 000 samples a minute for two days over a network that comes and goes: the real programs, hours in seconds."""

from __future__ import annotations

import os
import random
import resource
import time
from pathlib import Path
from types import ModuleType

from belabox_metrics import collect
from belabox_metrics.clock import Moment
from belabox_metrics.maintain.pace import Pace
from belabox_metrics.maintain.runner import maintain
from belabox_metrics.store import backlog, flights, queue
from belabox_metrics.store.checkpoint import log_size
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.upload import uploader
from belabox_metrics.world import Reading, World

from ..outcome import Row
from ..server import Server
from .ledger import BEGIN_MS, NUMBERS, Ledger, samples
from .outages import Outages

PRIORITY = 2
SENDING_S = 30
HOUR_S = 3600
# At the end the network stays: so long what waits has time.
LAST_S = 2 * HOUR_S
SEED = 20261121


class Flood:
    """A run a second of so many numbers: 10 020 a minute. `up_s`, `down_s`: how long the network is there, and how long
    it is not, seconds: by chance between these."""

    def __init__(self, folder: Path, up_s: tuple[int, int] = (30, 300), down_s: tuple[int, int] = (10, 1800)) -> None:
        self.server = Server()
        self.store = Store(str(folder / "metrics.db"))
        self.ledger = Ledger()
        self._chance = random.Random(SEED)
        self.outages = Outages(self._chance)
        self._up_s, self._down_s = up_s, down_s
        self._second = 0
        self._collector = ModuleType("flood")
        vars(self._collector).update(METRIC="flood", PRIORITY=PRIORITY, SETTINGS={}, collect=self._read)
        self.collecting_s: list[float] = []
        self.maintaining_s: list[float] = []
        self.most_pending = self.largest = 0
        self.wrong: list[str] = []
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
        return Reading(samples(self.ledger.tell()))

    def moment(self) -> Moment:
        return Moment(BEGIN_MS + self._second * 1000, 60_000 + self._second * 1000, "boot", True)

    def live(self, hours: float) -> None:
        turn = self._second + self._chance.randint(*self._up_s)
        for _ in range(int(hours * HOUR_S)):
            if self._second >= turn:
                turn = self._second + self._turn()
            self._collect()
            self._second += 1
            if self._second % SENDING_S == 0:
                self._send()
            if self._second % HOUR_S == 0:
                self._maintain()
        if not self.server.is_up:
            self._turn()
        # By its timer to the end: what a person might ask for is not what is timed.
        for _ in range(LAST_S // SENDING_S):
            self._second += SENDING_S
            self._send()
            if not queue.pending_count(self.store.connection()):
                break

    def _turn(self) -> int:
        """The network goes or comes back; for how many seconds."""
        if self.server.is_up:
            self.server.when_down = self.outages.begin()
            self.server.is_up = False
            return self._chance.randint(*self._down_s)
        self.server.is_up = True
        self.outages.end(self._second)
        return self._chance.randint(*self._up_s)

    def _collect(self) -> None:
        request = collect.Request("flood", "", self.store.path, False)
        began = time.process_time()
        code = collect.collect(self._collector, request, self.moment(), time.perf_counter_ns())
        self.collecting_s.append(time.process_time() - began)
        self._must_be_done("a collection", code)

    def _send(self) -> None:
        code = uploader.upload(self.store, self.moment(), everything=False)
        if self.server.is_up:
            self._must_be_done("an upload to a server that is there", code)
        # Each body is looked at now, and not kept.
        taken = self.server._taken
        self.server.forget()
        for key, body in taken:
            self.ledger.arrive(key, body, told=self.server.is_up)
        self.most_pending = max(self.most_pending, queue.pending_count(self.store.connection()))
        if self._is_caught_up():
            self.outages.caught_up(self._second)

    def _is_caught_up(self) -> bool:
        """Whether nothing waits but what was sampled since the sending before this one."""
        connection = self.store.connection()
        if backlog.spans(connection) or flights.under_way(connection):
            return False
        oldest = queue.oldest(connection, PRIORITY)
        return oldest is None or oldest[1] >= self.moment().boottime_ms - SENDING_S * 1000

    def _maintain(self) -> None:
        began = time.process_time()
        code = maintain(self.store, self.moment(), Pace(share=1))
        self.maintaining_s.append(time.process_time() - began)
        self._must_be_done("a maintenance", code)
        self.largest = max(self.largest, os.stat(self.store.path).st_size + log_size(self.store.path))

    def _must_be_done(self, what: str, code: int) -> None:
        if code:
            self.wrong.append(f"second {self._second}: {what} left with {code}")

    def reckoned(self) -> Row:
        ledger = self.ledger
        (whole,) = self.store.connection().execute("PRAGMA integrity_check").fetchone()
        wrong = [*self.wrong, *[f"{what}: {times}" for what, times in ledger.wrong.items()]]
        wrong += [] if whole == "ok" else [f"integrity_check: {whole}"]
        if left := queue.pending_count(self.store.connection()):
            wrong.append(f"{left} samples are still pending")
        self.collecting_s.sort()
        middle = self.collecting_s[len(self.collecting_s) // 2]
        hours = len(self.collecting_s) / HOUR_S
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        figures = (
            f"{ledger.told} samples in {hours:g} h, each compared",
            *self.outages.figures(),
            f"{self.most_pending} pending at most",
            f"{ledger.doubtful} copies of what was taken and its answer cut",
            f"CPU {middle * 1000:.2g} ms a run of {NUMBERS}, {self.collecting_s[-1] * 1000:.2g} at most",
            f"{max(self.maintaining_s, default=0):.2g} s a maintenance at most",
            f"memory {memory} MB with the server in it",
            f"database {self.largest / 1e6:.0f} MB",
        )
        note = "; ".join(figures)
        fault = "10 000 samples a minute, flapping network"
        return Row(fault, ledger.told, ledger.missing, ledger.copies, None, note, wrong)
