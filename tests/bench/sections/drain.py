"""A backlog into a real VictoriaMetrics: samples a second of the uploader's CPU, bytes on the wire, memory."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from pathlib import Path

from tests.provenance import PYTHON

from ..figures import Figure, short, spread
from ..options import Options
from ..processes import CHECKOUT, Installed, cpu_ms, peak_mib, relay
from ..victoria import get, victoria
from .store import SCHEDULE

ROUNDS = 12
IMPORTS = [PYTHON, "-I", "-S", "-c", "import http.client"]
# Made by a process of its own, so that this one stays small.
FILL = """
import random, sys
sys.path.insert(0, {lib!r})
from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.database import Store
rng = random.Random(5)
store = Store(sys.argv[1])
left = int(sys.argv[2])
totals = {{}}
import time
start = time.time_ns() // 1_000_000 - int(sys.argv[2]) * 120
second = 0
while left > 0:
    with store.writing(checkpoint_first=True) as connection:
        for second in range(second, second + 600, 5):
            for metric, every, values, counters in {schedule!r}:
                if second % every == 0:
                    before = totals.get(metric, [10**8] * counters)
                    count = totals[metric] = [total + rng.randrange(50_000) for total in before]
                    found = [*count, *[round(rng.uniform(0, 100), 2) for _ in range(values - counters)]]
                    moment = Moment(start + second * 1000, second * 1000, "boot", True)
                    named = [Sample(metric, value, {{"at": str(at)}}) for at, value in enumerate(found)]
                    runs.add(connection, runs.Run("collect", moment, metric=metric, samples=named))
                    left -= values
    second += 5
"""


def measure(options: Options) -> list[Figure]:
    backlog = 400_000 if options.quick else 1_500_000
    folder = options.folder("drain")
    with relay() as port, victoria(folder) as url:
        installed = Installed(options.folder("drain-box"), port)
        fill = FILL.format(lib=str(CHECKOUT / "lib"), schedule=SCHEDULE)
        subprocess.run([PYTHON, "-c", fill, str(installed.database), str(backlog)], check=True)
        said = installed.config.read_text().replace('url: ""', f"url: {url}/api/v1/import", 1)
        installed.config.write_text(said.replace("  enabled: false", "  enabled: true", 1))
        with sqlite3.connect(installed.database) as connection:
            connection.execute("DELETE FROM settings")
        # Who finds none compiles them.
        installed.run(installed.collect("memory.usage"))
        with sqlite3.connect(installed.database) as connection:
            # What the installation sampled itself must not wait for somebody to set this machine's clock.
            connection.execute("UPDATE runs SET synchronized = 1")
            connection.commit()
        # As the timer does: by hand it would send all at once.
        upload = installed.job("upload.py", "--due")
        before = _sent(installed.database)
        memory = peak_mib(upload, installed.environment)
        small = [cpu_ms(IMPORTS, installed.environment) for _ in range(3)]
        spent, rates, wire = [], [], []
        for _ in range(options.turns(ROUNDS)):
            small.append(cpu_ms(IMPORTS, installed.environment))
            then = _sent(installed.database)
            done = subprocess.run(upload, env=installed.environment, capture_output=True, text=True, check=True)
            found = re.search(r"bytes_sent=(\d+)", done.stderr)
            assert found, done.stderr
            sent = _sent(installed.database) - then
            wire.append(int(found[1]) / sent)
            then = _sent(installed.database)
            spent.append(installed.run(upload))
            rates.append((_sent(installed.database) - then) / spent[-1] * 1000)
        stored = _stored(url)
        sent = _sent(installed.database) - before
        assert _pending(installed.database) > 0, "the backlog was too small"
    floor = spread(small)
    batch = short(sent / (2 * len(rates) + 1))
    without = spread(rate * cpu / max(cpu - floor.median, 1) for rate, cpu in zip(rates, spent))
    return [
        Figure(
            "drain",
            "samples a second of uploader CPU",
            spread(rates).median,
            "/s",
            f"{spread(rates)}, whole process, {batch} samples an activation",
            50_000,
            True,
        ),
        Figure("drain", "the same without importing http.client", without.median, "/s", f"{without}"),
        Figure("drain", "an upload ÷ importing http.client", spread(spent).over(floor), "x", f"{spread(spent)} ms"),
        Figure("drain", "bytes a sample on the wire", spread(wire).median, "bytes", str(spread(wire)), 6),
        Figure("drain", "uploader, peak memory", memory, "MiB", f"backlog of {short(backlog)} samples", 40),
        Figure("drain", "sent and not found in the server", sent - stored, "", f"of {short(sent)}", 0),
    ]


def _sent(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        return int(connection.execute("SELECT sum(samples_sent) FROM positions").fetchone()[0])


def _pending(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        stored = int(connection.execute("SELECT sum(samples_total) FROM jobs").fetchone()[0])
    return stored - _sent(database)


def _stored(url: str) -> int:
    get(f"{url}/internal/force_flush")
    lines = get(f"{url}/api/v1/export?match[]=%7B__name__!=%22%22%7D&start=1&end=4000000000").splitlines()
    return sum(len(json.loads(line)["values"]) for line in lines)
