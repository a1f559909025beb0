"""A box whose jobs run as its units start them, with a past in its database that something happens to."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path

from belabox_metrics import clock
from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.database import Store

ROOT = Path(__file__).parents[3]
PYTHON = "/usr/bin/python3"
# What was sampled: this many runs, every second, of which the first part was sent.
RUNS = 600
SENT = 400
NUMBERS = 8


def struck(calls: str, when: str = "1", *, error: str = "EIO", on: Sequence[Path | str] = ()) -> list[str]:
    """What a job is an argument of for these system calls to fail with `error`: `when`, as strace counts them; of those
    `on` these files, if any are named."""
    files = [word for path in on for word in ("-P", str(path))]
    injected = f"inject={calls}:error={error}:when={when}"
    return ["strace", "-f", "-qq", "-o", "/dev/null", *files, "-e", f"trace={calls}", "-e", injected]


class Box:
    """`folder`/metrics.db and all that the jobs want to know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "metrics.db"
        self.config = folder / "config.yaml"
        self.config.write_text((ROOT / "configs/config.yaml").read_text())
        self.environment = {
            "BELABOX_METRICS_CONFIG": str(self.config),
            "BELABOX_METRICS_DATABASE": str(self.database),
            "BELABOX_METRICS_RECOVER": str(folder / "recover-wanted"),
            "BELABOX_METRICS_RUN": str(folder / "run"),
            "PATH": os.environ["PATH"],
        }
        (folder / "run").mkdir(exist_ok=True)

    def fill(self) -> None:
        """The past: runs m.0 to m.3, and how far they were sent. All of it is in the database, nothing in its log."""
        store = Store(str(self.database))
        begin_ms = clock.now().wall_ms - RUNS * 1000 - 60_000
        with store.writing() as connection:
            for at in range(RUNS):
                moment = Moment(begin_ms + at * 1000, 1000 + at * 1000, "before", True)
                samples = [Sample(f"n.value{index}", at * 10 + index, {"of": str(at % 4)}) for index in range(NUMBERS)]
                run = runs.Run("collect", moment, metric=f"m.{at % 4}", samples=samples, state=f"state {at}")
                runs.add(connection, run)
            for priority in queue.PRIORITIES:
                queue.advance(connection, priority, begin_ms + (SENT - 1) * 1000)
            queue.count(connection, runs.NORMAL, sent=SENT * NUMBERS)
        store.close()
        # As jobs leave it: with a log.
        self.collect()

    def job(self, *words: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, PYTHON, "-I", "-S", str(ROOT / "jobs" / words[0]), *words[1:]],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def collect(self, metric: str = "memory.usage") -> subprocess.CompletedProcess[str]:
        return self.job("collect.py", metric)

    def sql(self, query: str, *values: object) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def past(self) -> list[int]:
        """The first values of the runs of the past that are here, in their order."""
        rows = self.sql(
            "SELECT json_extract(packed, '$[0]') FROM runs WHERE job IN"
            " (SELECT id FROM jobs WHERE metric LIKE 'm.%' OR job = 'salvaged') ORDER BY id"
        )
        return [int(str(row[0])) // 10 for row in rows]

    def aside(self) -> list[Path]:
        """Databases that were moved aside."""
        ends = ("-wal", "-shm", ".note", ".note.new", ".header")
        return sorted(path for path in self.folder.glob("metrics.db.damaged-*") if not path.name.endswith(ends))

    def write(self, offset: int, content: bytes) -> None:
        with self.database.open("r+b") as file:
            file.seek(offset)
            file.write(content)
