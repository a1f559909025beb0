"""A box that is a folder: its jobs are the real programs, started as the units start them, and its books are kept."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import aggregate, queue, runs
from belabox_metrics.store.database import Store

from .known import Known, Number, Step, Sums, differing

ROOT = Path(__file__).parents[2]
PYTHON = "/usr/bin/python3"


class Job(NamedTuple):
    """`words`: of its command. `stores`: how many runs of its own, None where that is not always so. `scene`: in which
    box it has something to do (scenes.py)."""

    words: tuple[str, ...]
    stores: int | None = 1
    scene: str = ""


JOBS = {
    "collect": Job(("collect.py", "memory.usage")),
    "collect, with state": Job(("collect.py", "cpu.usage")),
    "upload": Job(("upload.py",)),
    "clock": Job(("clock.py",)),
    "maintain": Job(("maintain.py",)),
    "health": Job(("health.py", "--idle-seconds", "0.2"), 0),
    "apply": Job(("apply.py",)),
    "failed": Job(("failed.py", "belabox-metrics@memory.usage.service")),
    "collect, first of all": Job(("collect.py", "memory.usage"), 1, "bare"),
    "collect, damaged": Job(("collect.py", "memory.usage"), None, "damaged"),
    "recover": Job(("recover.py",), None, "set aside"),
    "import": Job(("recover.py",), None, "of the Go system"),
    "maintain, archive": Job(("maintain.py",), 1, "with an archive"),
    "export": Job(("cli.py", "export", "--force", "-o", "export.jsonl.gz"), 0, "exported"),
    "snapshot": Job(("cli.py", "snapshot", "snapshot.db"), 0, "copied"),
}
# The past: so many runs of so many numbers, three days old and all sent; and some of now that were not.
OLD, FRESH, NUMBERS = 60, 12, 10
DAY_MS = 24 * 3_600_000
PATIENCE_S = 120

_TORN = """
SELECT count(*) FROM runs WHERE packed IS NOT NULL AND (NOT json_valid(packed)
    OR json_array_length(packed) <> (SELECT count(*) FROM series WHERE series.shape = runs.shape))
"""
_STORED = "SELECT json_extract(tags, '$.of'), timestamp_ms, metric_value FROM metrics WHERE metric_name = ?"
_ROLLED = """
SELECT (id >> 32) * 60000, 60000, id & 4294967295, last_run, packed FROM minutes
UNION ALL SELECT (id >> 32) * 300000, 300000, id & 4294967295, last_run, packed FROM five_minutes
"""
_OF_JOB = "SELECT count(*) FROM runs JOIN jobs ON jobs.id = runs.job WHERE jobs.job = ? AND jobs.metric = ?"
# What a job knows of itself is changed with its run or not at all.
_APART = """
SELECT job || ' ' || metric FROM jobs WHERE job || metric <> 'collectpast'
    AND (last_run <> (SELECT max(id) FROM runs WHERE runs.job = jobs.id)
        OR runs_total <> (SELECT count(*) FROM runs WHERE runs.job = jobs.id))
"""


class Box:
    """`folder`/metrics.db and all that the jobs want to know. `known`: what was put into it."""

    def __init__(self, folder: Path, known: Known | None = None) -> None:
        self.folder = folder
        self.known = known or Known(Counter(), Counter())
        self.database = folder / "metrics.db"
        self.units = folder / "units"
        self._past: Store | None = None
        self.environment = {
            "BELABOX_METRICS_CONFIG": str(folder / "config.yaml"),
            "BELABOX_METRICS_DATABASE": str(self.database),
            "BELABOX_METRICS_RECOVER": str(folder / "recover-wanted"),
            "BELABOX_METRICS_RUN": str(folder / "run"),
            # What systemd says to the job `failed`: without it a second failure is taken for the first.
            "MONITOR_SERVICE_RESULT": "oom-kill",
            "PATH": os.environ["PATH"],
        }

    @classmethod
    def made(cls, folder: Path, url: str) -> Box:
        """With a past, and a server to send to."""
        box = cls(folder)
        for path in (folder / "run", box.units):
            path.mkdir(parents=True, exist_ok=True)
        said = (ROOT / "configs/config.yaml").read_text().replace('url: ""', f"url: {url}", 1)
        (folder / "config.yaml").write_text(said.replace("  enabled: false", "  enabled: true", 1))
        store = Store(str(box.database))
        old_ms = time.time_ns() // 1_000_000 - 3 * DAY_MS
        with store.writing() as connection:
            for at in range(OLD):
                box.known.past.update(_add(connection, "past", old_ms + at * 1000, "before", at))
            for priority in queue.PRIORITIES:
                queue.advance(connection, priority, old_ms + OLD * 1000)
        store.close()
        for _ in range(2):
            box.ready(box.job("collect"), box.job("collect, with state"), box.job("apply"))
        with store.writing() as connection:
            for at in range(FRESH):
                box.known.fresh.update(_add(connection, "fresh", time.time_ns() // 1_000_000, "before", at))
        # Let go, not closed: the log stays, as the jobs leave it.
        box._past = store
        return box

    def copy(self, folder: Path) -> Box:
        """What the kernel had when the power went: no process, and no index of the log."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("*-shm"))
        return Box(folder, self.known)

    def command(self, job: str) -> list[str]:
        words = list(JOBS[job].words)
        if job == "apply":
            words += ["--units", str(self.units), "--database", str(self.database)]
        isolated = ["-I"] if words[0] in ("apply.py", "cli.py") else ["-I", "-S"]
        return [PYTHON, *isolated, str(ROOT / "jobs" / words[0]), *words[1:]]

    def begin(self, job: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
        """`before`: what the command is an argument of."""
        return subprocess.Popen(
            [*before, *self.command(job)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def job(self, job: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        if job == "health":
            return self.asked(before)
        begun = self.begin(job, before)
        out, said = begun.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(begun.args, begun.returncode, out, said)

    def asked(self, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """The responder, asked until it has answered or is gone; stdout is what it said."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        begun = subprocess.Popen(
            [*before, *self.command("health"), "--listen", f"127.0.0.1:{port}"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        answer = ""
        deadline = time.monotonic() + PATIENCE_S
        while not answer and begun.poll() is None and time.monotonic() < deadline:
            connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            try:
                connection.request("GET", "/health")
                answer = connection.getresponse().read().decode()
            except OSError:
                time.sleep(0.01)
            finally:
                connection.close()
        _, said = begun.communicate(timeout=PATIENCE_S)
        if not answer and said.startswith("0 requests"):
            # On a machine that is busy enough it has left before it was asked.
            return self.asked(before)
        return subprocess.CompletedProcess(begun.args, begun.returncode, answer, said)

    def ready(self, *done: subprocess.CompletedProcess[str]) -> None:
        for one in done:
            if one.returncode:
                raise RuntimeError(f"{one.args}: {one.returncode}: {one.stderr}")

    def sql(self, query: str, *values: object) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def number(self, query: str, *values: object) -> int:
        return int(str(self.sql(query, *values)[0][0]))

    def runs_of(self, job: str) -> int:
        """How many runs there are of the kind that `job` stores, where these can be counted."""
        words, stores, scene = JOBS[job]
        if not stores or (scene == "bare" and not self.is_made()):
            return 0
        if words[0] == "failed.py":
            return self.number(_OF_JOB + " AND outcome = 2", "collect", "memory.usage")
        name = words[0].rpartition(".")[0]
        return self.number(_OF_JOB + " AND outcome <> 2", name, words[1] if name == "collect" else "")

    def is_made(self) -> bool:
        """Whether there is a database with tables; half of one is nobody's."""
        try:
            self.sql("SELECT 1 FROM runs")
        except sqlite3.OperationalError:
            return False
        return True

    def stored(self, name: str) -> Counter[Number]:
        """The numbers of a metric of which each run is still there."""
        return Counter((str(which), int(str(at)), float(str(value))) for which, at, value in self.sql(_STORED, name))

    def rolled(self, name: str) -> dict[Step, Sums]:
        """What has become of the others: steps."""
        found: dict[Step, Sums] = {}
        of_shape = "SELECT position, json_extract(tags, '$.of') FROM series WHERE shape = ? AND name = ?"
        for begin, length, shape, last_run, packed in self.sql(_ROLLED):
            cells = json.loads(str(packed))
            for position, which in self.sql(of_shape, shape, name):
                cell = aggregate.read(name, cells[int(str(position))], int(str(last_run)))
                if cell is not None:
                    step = str(which), int(str(begin)), int(str(length))
                    sums = Sums(cell.count, cell.least, cell.greatest, round(cell.total, 6))
                    found[step] = found[step].with_(sums) if step in found else sums
        return found

    def unsound(self) -> list[str]:
        """What no database may be."""
        try:
            said = self.sql("PRAGMA integrity_check")
        except sqlite3.DatabaseError as error:
            said = [(str(error),)]
        if said != [("ok",)]:
            return [f"integrity_check: {said[0][0]}"]
        found = []
        if torn := self.number(_TORN):
            found.append(f"{torn} runs are not whole")
        found += [f"the row of {row[0]} does not fit its runs" for row in self.sql(_APART)]
        return found

    def lacks(self) -> list[str]:
        """What is not there, or more than once, or otherwise, of what was put into it."""
        found = differing(self.known.past, self.stored("past.value"), "the past", self.rolled("past.value"))
        return found + differing(self.known.fresh, self.stored("fresh.value"), "what is of now")

    def wrong(self) -> list[str]:
        """What must not be, whatever happened."""
        if found := self.unsound():
            return found
        found = self.lacks()
        if len(self.sql("SELECT id FROM jobs WHERE job = 'salvaged'")) or list(self.folder.glob("metrics.db.damaged*")):
            found.append("the database was taken for damaged")
        return found


def _add(connection: object, metric: str, wall_ms: int, boot: str, at: int) -> list[Number]:
    """A run of so many numbers, of which no two are alike."""
    samples = [Sample(f"{metric}.value", at + number / 10, {"of": str(number)}) for number in range(NUMBERS)]
    moment = Moment(wall_ms, 1000 + at * 1000, boot, True)
    runs.add(connection, runs.Run("collect", moment, metric=metric, samples=samples))  # type: ignore[arg-type]
    return [(str(number), wall_ms, at + number / 10) for number in range(NUMBERS)]
