"""The link lab: boots a box, puts a bad link between it and a real server, and counts what has arrived.

tests/link/run [--minutes 30] [--results DIRECTORY]

The exit code is 0 when each sample is on the server, once, or more often only where the box can't have known.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from belabox_metrics import journal

from ..machine.machine import Machine, booted
from ..pressure import Pressure, Waits
from . import account, report
from .account import Account, Trouble
from .begun import Begun
from .box import UNIT, Box
from .figures import Evidence, Window, figures, of_critical, told_at
from .phases import FAILING, HEALTHY, LASTING, SCRIPT
from .server import PORT, URL, Server
from .way import DEVICE, Way

RESULTS = Path(__file__).with_name("results")
TOKENS = ("the-first-token", "the-second-token")
# What is to be lost of a hundred packets, in each direction.
LOSS = 50
RATE = "2kbit"
CUT_EVERY_S = 6
# As long as an offline uploader may wait, twice, and then it sends.
DRAIN_S = 300
SAMPLES = """
SELECT timestamp_ms, metric_name, metric_value, tags, device_id, priority FROM metrics WHERE value_type = 0
"""
RUNS = """
SELECT metric, runs.id - lead_ms AS at, duration_us, outcome FROM runs JOIN jobs ON jobs.id = runs.job
WHERE jobs.job = 'collect' ORDER BY runs.id
"""
INTERVALS = (
    "SELECT substr(section, 9) AS metric, value FROM settings WHERE section LIKE 'metrics/%' AND key = 'interval_ms'"
)

# Of each record of the uploader, for who wants to know how it went about it.
TOLD = (
    "_SOURCE_REALTIME_TIMESTAMP",
    "MESSAGE",
    "BELABOX_MODE",
    "BELABOX_ATTEMPT",
    "BELABOX_BYTES_SENT",
    "BELABOX_DURATION_MS",
)


class Lab:
    """One method a kind of phase; each is given the end of it and may return before."""

    def __init__(self, box: Box, server: Server, way: Way, minutes: int) -> None:
        self._box = box
        self._server = server
        self._way = way
        self._minutes = minutes
        self.windows: list[Window] = []

    def play(self) -> None:
        self._box.failed_units()
        for phase in SCRIPT:
            start = time.time()
            end = start + phase.seconds(self._minutes)
            say(f"{phase.title}, {end - start:.0f} s")
            act: Callable[[float], None] = getattr(self, phase.kind)
            act(end)
            if phase.kind not in LASTING:
                # Until it is done, the phase before lasts.
                start = time.time()
                self.windows[-1:] = [window._replace(end=start) for window in self.windows[-1:]]
            time.sleep(max(0.0, end - time.time()))
            self.windows.append(Window(phase.kind, phase.title, start, time.time(), self._box.failed_units()))

    def healthy(self, end: float) -> None:
        self._way.good()

    mended = healthy

    def outage(self, end: float) -> None:
        self._way.lose(100)

    def lossy(self, end: float) -> None:
        self._way.lose(LOSS)

    def slow(self, end: float) -> None:
        self._way.crawl(RATE)

    def expired(self, end: float) -> None:
        self._server.expect(TOKENS[1])

    def renewed(self, end: float) -> None:
        self._box.give(TOKENS[1])
        if self._minutes < 30:
            # In a longer one nobody helps, and the next attempt comes by itself.
            self._box.upload()

    def stopped(self, end: float) -> None:
        self._server.stop()

    def started(self, end: float) -> None:
        self._server.start()

    def cutting(self, end: float) -> None:
        while time.time() < end - CUT_EVERY_S:
            self._server.cut_next()
            time.sleep(CUT_EVERY_S)

    def killing(self, end: float) -> None:
        self._box.kill_at_random(end)

    def stepping(self, end: float) -> None:
        self._box.kill_at_each_call(end)

    def drain(self) -> None:
        """Until nothing is pending: by the timer, and what has low priority by hand."""
        say("draining")
        self._box.stop_collecting()
        deadline = time.monotonic() + DRAIN_S
        while self._box.pending() and time.monotonic() < deadline:
            said = self._box.upload()
            if self._box.pending():
                say(f"not all is sent yet: {said.strip()}")
                time.sleep(5)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S', time.gmtime())}  {text}", flush=True)


def evidence_of(box: Box, server: Server, begun: Begun, waits: Waits, since: float) -> Evidence:
    sql = box.machine.sql
    return Evidence(
        sql(SAMPLES),
        sql(RUNS),
        {row["metric"]: int(row["value"]) for row in sql(INTERVALS)},
        box.records("collect", since),
        box.records("upload", since),
        account.posts_of(server.requests(), begun.packets()),
        box.kills,
        waits,
    )


def troubles_of(evidence: Evidence, box: Box, since: float) -> list[Trouble]:
    """A process that was killed is known by what systemd says of it, which it does before it starts the next."""
    ended = [(told_at(record), "the uploader was killed") for record in box.ends(since)]
    failed = [
        (told_at(record), "no answer came through")
        for record in evidence.uploaded
        if record.get("MESSAGE_ID") == journal.UPLOAD_FAILED
    ]
    troubles = [Trouble(at, at, what) for at, what in [*ended, *failed]]
    return sorted([*troubles, *(Trouble(*span, "no answer came through") for span in box.failures)])


def verified(machine: Machine) -> dict[str, Any]:
    """What the box's own command says, asked over the same link."""
    done = machine.run("belabox-metrics", "verify", "--since", "2h", check=False, timeout=300)
    return {"code": done.returncode, "said": (done.stdout + done.stderr).strip()}


def faults_of(found: Account, windows: list[Window], rows: list[dict[str, Any]], result: dict[str, Any]) -> list[str]:
    """What must not be, in words."""
    faults = list(found.faults)
    if found.missing:
        faults.append(f"{found.missing} samples are missing")
    if result["pending"]:
        faults.append(f"{result['pending']} samples are still pending")
    if result["integrity"] != "ok":
        faults.append(f"the database: {result['integrity']}")
    if result["verify"]["code"] != 0:
        faults.append(f"verify: {result['verify']['said']}")
    for row in rows:
        if row["runs_failed"] or row["runs_late"]:
            faults.append(f"{row['phase']}: {row['runs_failed']} runs failed, {row['runs_late']} were late")
    for window in windows:
        unexpected = [unit for unit in window.failed if unit != UNIT or window.kind not in FAILING]
        if unexpected:
            faults.append(f"{window.title}: failed units: {', '.join(unexpected)}")
    if not result["critical"]["count"]:
        faults.append("nothing critical was sampled on the healthy link")
    return faults


def measure(minutes: int) -> dict[str, Any]:
    began = time.time()
    with tempfile.TemporaryDirectory() as directory, booted(f"link-{os.getpid()}") as machine:
        server = Server(Path(directory), TOKENS[0])
        try:
            way = Way(machine.pid, server.pid)
            pressure = Pressure(machine.pid)
            begun = Begun(machine.pid, DEVICE, PORT, Path(directory) / "begun")
            server.start()
            box = Box(machine)
            say("installing")
            box.install(URL, TOKENS[0])
            lab = Lab(box, server, way, minutes)
            lab.play()
            lab.drain()
            evidence = evidence_of(box, server, begun, pressure, began)
            result = {
                "minutes": minutes,
                "began": began,
                "pending": box.pending(),
                "integrity": machine.sql("PRAGMA integrity_check")[0]["integrity_check"],
                "verify": verified(machine),
                "rejected": machine.sql("SELECT name, status, reason, count(*) AS n FROM rejected GROUP BY 1, 2, 3"),
                "killed_at": sorted({what for _, what in box.kills}),
            }
            troubles = troubles_of(evidence, box, began)
            found = account.balance(evidence.samples, server.exported(), evidence.posts, troubles)
            begun.close()
            pressure.close()
        finally:
            server.close()
    rows = figures(lab.windows, evidence)
    took = of_critical([window for window in lab.windows if window.kind == HEALTHY], evidence)
    result["critical"] = {"count": len(took), "median_s": round(median(took), 2) if took else None}
    result["critical"]["worst_s"] = round(took[-1], 2) if took else None
    result["account"] = found._asdict()
    result["phases"] = rows
    result["posts"] = [[post.began, post.at, post.key, post.cut, len(post.samples)] for post in evidence.posts]
    result["kills"] = evidence.kills
    result["troubles"] = troubles
    result["uploads"] = [{name: record.get(name) for name in TOLD} for record in evidence.uploaded]
    result["faults"] = faults_of(found, lab.windows, rows, result)
    return result


def show(result: dict[str, Any]) -> None:
    found, critical = result["account"], result["critical"]
    print(f"\n{report.table(result['phases'])}\n\n{report.LEGEND}\n")
    print(f"stored {found['stored']}, exported {found['exported']}, missing {found['missing']}")
    print(f"copies beyond the first: {found['copies'] or 'none'}")
    print(
        f"critical, healthy link: {critical['count']}, median {critical['median_s']} s, worst {critical['worst_s']} s"
    )
    print(f"killed at: {len(result['killed_at'])} different places")
    print(f"verify: {result['verify']['said']}")
    for fault in result["faults"]:
        print(f"FAULT  {fault}")
    print("as it should be" if not result["faults"] else f"{len(result['faults'])} faults")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/link/run", description=__doc__)
    parser.add_argument("--minutes", type=int, default=30, help="up to 3: as short as it makes sense")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    result = measure(options.minutes)
    options.results.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(result["began"]))
    path = options.results / f"{stamp}-{options.minutes}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    show(result)
    print(path)
    return bool(result["faults"])


if __name__ == "__main__":
    sys.exit(main())
