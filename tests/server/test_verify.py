"""What verify finds is what was done: to the box, to the server, or to what went between. On a real VictoriaMetrics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
import requests

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.upload import uploader
from belabox_metrics.verify import command

from .conftest import Server

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
SERIES = ("cpu.usage_percent", "memory.used_bytes")
SETTLED_MS = command.SETTLED_MS
Document = dict[str, Any]


class Box:
    """A box whose samples were taken in the last two hours, a run a minute, of two series and a text."""

    def __init__(self, path: Path, server: Server, device: str, **settings: str) -> None:
        self.store = Store(str(path / f"{device}.db"))
        self.device = device
        self.server = server
        self.now_ms = time.time_ns() // 1_000_000
        rows: list[tuple[str, str, int, str | int | float]] = [("device", "id", 0, device), ("remote", "enabled", 0, 1)]
        rows += [("remote", key, 0, value) for key, value in {"url": server.import_url, **settings}.items()]
        replace_settings(self.store.path, rows)

    def collect(self, count: int = 120, priority: int = 2, first: int = 0, series: str = SERIES[0]) -> None:
        for number in range(first, first + count):
            at = self.now_ms - 7_200_000 + number * 60_000
            samples = [
                Sample(series, number / 8, {"core": "all"}),
                Sample(SERIES[1], 10**9 + number),
                Sample("gps.fix", "3D"),
            ]
            with self.store.writing() as connection:
                run = runs.Run(
                    "collect", Moment(at, at % 10**9, "b", True), metric="m", samples=samples, priority=priority
                )
                runs.add(connection, run)

    def upload(self) -> None:
        moment = Moment(self.now_ms, self.now_ms % 10**9, "b", True)
        assert uploader.upload(self.store, moment, everything=True) == 0
        assert queue.pending_count(self.store.connection()) == 0

    def flush(self) -> None:
        """Make the server show what it has."""
        requests.get(f"{self.server.url}/internal/force_flush", timeout=60).raise_for_status()

    def ids(self) -> list[int]:
        found = self.store.connection().execute("SELECT id FROM runs WHERE job = 1 ORDER BY id").fetchall()
        return [number for (number,) in found]

    def sql(self, statement: str, *values: object) -> None:
        with self.store.writing() as connection:
            connection.execute(statement, values)

    def imported(self, labels: dict[str, str], at_ms: int, value: float) -> None:
        """One sample that the uploader does not know of."""
        line = {"metric": {"device_id": self.device, **labels}, "values": [value], "timestamps": [at_ms]}
        requests.post(self.server.import_url, data=json.dumps(line), timeout=60).raise_for_status()


@pytest.fixture
def box(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Box]:
    found = Box(tmp_path, server, f"{request.node.name}-{time.time_ns()}")
    yield found
    found.store.close()


@pytest.fixture
def verify(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Document]]:
    """`verify(box, "--repair")`: exit code and document. The server is made to show what it has, instead of waited
    for; only what it remembers of series that were not there (`patient`) can't be helped."""

    def run(box: Box, *arguments: str, patient: bool = False) -> tuple[int, Document]:
        monkeypatch.setattr(command, "SETTLED_MS", SETTLED_MS if patient else 0)
        box.flush()
        capsys.readouterr()
        code = command.main(["--json", "--database", box.store.path, *arguments])
        return code, json.loads(capsys.readouterr().out)

    return run


Verify = Callable[..., tuple[int, Document]]


def counts(**wanted: int) -> dict[str, int]:
    zeros = dict.fromkeys(("missing", "twice", "different", "waiting", "set_aside"), 0)
    return {**zeros, **wanted}


def test_nothing_is_missing(box: Box, verify: Verify) -> None:
    box.collect()
    box.upload()
    code, found = verify(box)
    assert code == 0
    assert found["total"] == counts(stored=240, sent=240, on_server=240)
    assert found["series"] == []
    # Two hours and the minutes of a third: each is asked for alone.
    assert len(found["hours"]) in (2, 3)


def test_what_waits_is_not_missing(box: Box, verify: Verify) -> None:
    box.collect(100)
    box.upload()
    box.collect(20, first=100)
    code, found = verify(box)
    assert code == 0
    assert found["total"] == counts(stored=240, sent=200, on_server=200, waiting=40)


def test_a_series_that_the_server_has_lost_is_found_and_sent_again(box: Box, verify: Verify) -> None:
    box.collect()
    box.upload()
    box.server.exported(f'{{device_id="{box.device}"}}')  # what is not shown yet can't be deleted
    match = f'{{__name__="cpu_usage_percent",device_id="{box.device}"}}'
    url = f"{box.server.url}/api/v1/admin/tsdb/delete_series"
    requests.post(url, params={"match[]": match}, timeout=60).raise_for_status()
    code, found = verify(box)
    assert code == 1
    assert found["total"] == counts(stored=240, sent=240, on_server=120, missing=120)
    assert found["series"] == [{"series": 'cpu_usage_percent{core="all"}', "missing": 120}]

    code, found = verify(box, "--repair")
    assert code == 1
    assert found["queued"] == {"runs": 120, "samples": 240, "left": 0}
    assert queue.pending_count(box.store.connection()) == 240
    # All of them are neighbours.
    assert box.store.connection().execute("SELECT count(*) FROM backlog").fetchone() == (1,)
    code, found = verify(box, "--repair")
    assert code == 0
    assert found["total"] == counts(stored=240, sent=0, on_server=120, waiting=240)
    assert found["queued"] == {"runs": 0, "samples": 0, "left": 0}
    box.upload()
    code, found = verify(box, patient=True)
    assert code == 0
    # The other series of these runs went along.
    assert found["total"] == counts(stored=240, sent=240, on_server=360, twice=120)


def test_runs_that_were_passed_over_are_sent_and_their_neighbours_are_not(box: Box, verify: Verify) -> None:
    box.collect(50)
    box.upload()
    box.collect(20, first=50)
    box.collect(30, first=70, priority=1)
    box.collect(20, first=100)
    # What a fault in the queue would do: the position moves on and nothing was sent.
    box.sql("UPDATE positions SET run = ?, samples_sent = samples_sent + 80 WHERE priority = 2", box.ids()[-1])
    box.upload()
    code, found = verify(box, "--repair")
    assert code == 1
    assert found["total"] == counts(stored=240, sent=240, on_server=160, missing=80)
    assert found["queued"] == {"runs": 40, "samples": 80, "left": 0}
    spans = box.store.connection().execute("SELECT priority, after_run, upto_run FROM backlog").fetchall()
    ids = box.ids()
    # Of this priority there is no run between the two, so it is one span.
    assert spans == [(2, ids[50] - 1, ids[-1])]
    box.upload()
    code, found = verify(box)
    assert code == 0
    assert found["total"] == counts(stored=240, sent=240, on_server=240)


def test_single_runs_are_found_among_others(box: Box, verify: Verify) -> None:
    box.collect(1)
    box.upload()
    box.collect(119, first=1)
    ids = box.ids()
    skipped = [ids[10], ids[11], ids[40], ids[119]]
    marks = ",".join("?" * len(skipped))
    # Hidden while the rest is sent.
    box.sql(f"UPDATE runs SET priority = 9 WHERE id IN ({marks})", *skipped)
    box.sql("UPDATE positions SET samples_sent = samples_sent + 8 WHERE priority = 2")
    box.upload()
    box.sql("UPDATE positions SET run = max(run, ?) WHERE priority = 2", ids[-1])
    box.sql("UPDATE runs SET priority = 2 WHERE priority = 9")
    code, found = verify(box, "--repair")
    assert code == 1
    assert found["total"] == counts(stored=240, sent=240, on_server=232, missing=8)
    assert [one["missing"] for one in found["series"]] == [4, 4]
    spans = box.store.connection().execute("SELECT after_run, upto_run FROM backlog").fetchall()
    assert spans == [(ids[10] - 1, ids[11]), (ids[40] - 1, ids[40]), (ids[119] - 1, ids[119])]
    box.upload()
    code, found = verify(box)
    assert code == 0
    assert found["total"] == counts(stored=240, sent=240, on_server=240)


def test_what_was_sent_twice_is_counted_and_harmless(box: Box, verify: Verify) -> None:
    box.collect()
    box.upload()
    ids = box.ids()
    box.sql("INSERT INTO backlog (priority, after_run, upto_run) VALUES (2, ?, ?)", ids[6], ids[9])
    box.sql("UPDATE positions SET samples_sent = samples_sent - 6 WHERE priority = 2")
    box.upload()
    code, found = verify(box)
    assert code == 0
    assert found["total"] == counts(stored=240, sent=240, on_server=246, twice=6)


def test_another_value_is_found(box: Box, verify: Verify) -> None:
    box.collect()
    box.upload()
    ids = box.ids()
    box.imported({"__name__": "memory_used_bytes"}, ids[7], 10**9 + 8)  # beside the right one
    box.sql("UPDATE runs SET packed = replace(packed, '[0.5,', '[0.500001,') WHERE id = ?", ids[4])  # instead of it
    code, found = verify(box, "--repair")
    assert code == 1
    assert found["total"] == counts(stored=240, sent=240, on_server=241, different=2)
    # To send it again would not take the other away.
    assert found["queued"] == {"runs": 0, "samples": 0, "left": 0}


def test_what_others_export_meanwhile_changes_nothing(box: Box, verify: Verify) -> None:
    box.collect()
    box.upload()
    for _ in range(20):
        box.server.exported(f'{{device_id="{box.device}"}}')
        assert verify(box)[1]["total"] == counts(stored=240, sent=240, on_server=240)


def test_two_boxes_on_one_server_do_not_mix(box: Box, server: Server, tmp_path: Path, verify: Verify) -> None:
    other = Box(tmp_path, server, f'{box.device} "quoted" \\ {{é}}')
    box.collect(10)
    box.upload()
    other.collect(5)
    other.sql("UPDATE positions SET run = ?, samples_sent = samples_sent + 10 WHERE priority = 2", other.ids()[-1])
    other.collect(1, first=5)
    other.upload()
    assert verify(box)[1]["total"] == counts(stored=20, sent=20, on_server=20)
    code, found = verify(other)
    assert code == 1
    assert found["total"] == counts(stored=12, sent=12, on_server=2, missing=10)
    other.store.close()


def test_refused_samples_are_counted_apart_and_judged_anew_with_a_repair(box: Box, verify: Verify) -> None:
    box.collect(4)
    box.upload()
    ids = box.ids()
    # As if the first series of one run had been refused, and the second had got lost.
    box.sql("INSERT INTO rejected VALUES (1, ?, 0, ?, 'cpu.usage_percent', '', 0, 400, 'no', 0)", ids[1], ids[1])
    box.sql("UPDATE positions SET samples_sent = samples_sent - 1, samples_rejected = 1 WHERE priority = 2")
    box.sql("UPDATE runs SET packed = '[0.125,77,\"3D\"]', id = id + 1, lead_ms = 0 WHERE id = ?", ids[1])
    box.sql("UPDATE rejected SET run = run + 1")
    code, found = verify(box, "--repair")
    assert code == 1
    assert found["total"] == counts(stored=8, sent=7, on_server=8, missing=1, set_aside=1)
    assert queue.totals(box.store.connection()) == (8, 6, 0)
    box.upload()
    assert verify(box)[1]["total"] == counts(stored=8, sent=8, on_server=10)


def test_hours_before_all_that_the_server_has_are_perhaps_beyond_its_retention(box: Box, verify: Verify) -> None:
    day = 24 * 60 * 60_000
    box.now_ms -= 3 * day
    box.collect(30)
    box.sql("UPDATE positions SET run = ?, samples_sent = 60 WHERE priority = 2", box.ids()[-1])
    box.now_ms += 3 * day
    box.collect(30)
    box.upload()
    code, found = verify(box, "--since", "7d", "--repair")
    assert code == 1
    assert found["total"] == counts(stored=120, sent=120, on_server=60, missing=60)
    assert {hour["beyond"] for hour in found["hours"] if hour["missing"]} == {True}
    assert found["queued"] == {"runs": 0, "samples": 0, "left": 0}
    # Something older: then it is no retention.
    box.imported({"__name__": "memory_used_bytes"}, box.now_ms - 9 * day, 1)
    code, found = verify(box, "--since", "7d", "--repair")
    assert not any(hour["beyond"] for hour in found["hours"])
    assert found["queued"] == {"runs": 30, "samples": 60, "left": 0}
    box.upload()
    assert verify(box, "--since", "7d")[0] == 0


@pytest.mark.parametrize("label", ["site=barn", "core=all", "core=another"])
def test_labels_that_the_url_adds_are_expected(server: Server, tmp_path: Path, verify: Verify, label: str) -> None:
    """Also where the samples have one of that name."""
    device = f"extra-{time.time_ns()}"
    box = Box(tmp_path, server, device, url=f"{server.import_url}?extra_label={label}")
    box.collect(3)
    box.upload()
    assert verify(box)[1]["total"] == counts(stored=6, sent=6, on_server=6)
    box.store.close()


def command_line(box: Box, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", ROOT / "jobs/cli.py", "verify", *arguments],
        env={"BELABOX_METRICS_DATABASE": box.store.path, "PATH": os.environ["PATH"], "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_waits_for_a_series_that_the_server_does_not_show_yet(box: Box) -> None:
    box.collect(119)
    box.upload()
    box.flush()
    assert command_line(box).returncode == 0  # from here on the server knows by heart which series there are
    box.collect(1, first=119, series="brand.new")
    box.upload()
    done = command_line(box)
    assert done.returncode == 0, done.stdout + done.stderr
    head, *rows = done.stdout.splitlines()
    assert " ".join(head.split()) == "HOUR STORED SENT ON THE SERVER MISSING TWICE DIFFERENT NOT YET SENT"
    assert rows[-3].split() == ["all", "240", "240", "240", "0", "0", "0", "0"]
    assert rows[-1] == f"nothing is missing: all 240 samples that were sent are on {box.server.url}/api/v1/export"
    assert done.stderr == ""


def test_a_repair_by_hand_says_what_to_do_next(box: Box) -> None:
    box.collect(20)
    box.sql("UPDATE positions SET run = ?, samples_sent = 40 WHERE priority = 2", box.ids()[-1])
    quiet = command_line(box, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (1, "", "")
    done = command_line(box)
    assert done.returncode == 1
    assert "missing 20  memory_used_bytes\n" in done.stdout
    assert "verify --repair queues what is missing" in done.stdout
    done = command_line(box, "--repair")
    assert "40 samples of 20 runs are queued: sent with the next upload" in done.stdout
    box.upload()
    box.flush()
    assert command_line(box).returncode == 0


def test_memory_is_bounded_by_a_period_and_not_by_what_there_is(box: Box) -> None:
    samples = [Sample("many.value", 0.5, {"at": str(at)}) for at in range(500)]
    for minute in range(240):
        at = box.now_ms - (240 - minute) * 60_000
        with box.store.writing() as connection:
            runs.add(connection, runs.Run("collect", Moment(at, at, "b", True), metric="m", samples=samples))
    peaks = {}
    # Whatever the time of the day, the first has a whole hour in it too.
    for since in ("130m", "5h"):
        # Not ru_maxrss: it knows of the large process that this one was forked from.
        script = "import re, sys; from belabox_metrics.cli import main; code = main(sys.argv[1:])\n"
        script += "print(re.search('VmHWM:[ \\t]*([0-9]+)', open('/proc/self/status').read())[1], file=sys.stderr)\n"
        script += "sys.exit(code)"
        if since == "130m":
            while queue.pending_count(box.store.connection()):
                moment = Moment(box.now_ms, box.now_ms, "b", True)
                assert uploader.upload(box.store, moment, everything=True) == 0
            box.flush()
        done = subprocess.run(
            [sys.executable, "-c", script, "verify", "--since", since],
            env={"BELABOX_METRICS_DATABASE": box.store.path, "PYTHONPATH": str(ROOT / "lib")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        peaks[since] = int(done.stderr)
    assert "120000 samples" in done.stdout
    assert peaks["5h"] < peaks["130m"] * 1.15
    assert peaks["5h"] < 80 * 1024


def test_what_was_rolled_up_meanwhile_is_not_asked_for_and_the_rest_of_its_hour_is(box: Box, verify: Verify) -> None:
    from belabox_metrics.maintain.pace import Pace
    from belabox_metrics.maintain.runner import maintain

    hour = 60 * 60_000
    # Begin of the runs: two hours before; the roll-up falls into their middle.
    box.now_ms = box.now_ms // hour * hour - 47 * hour
    box.collect(120)
    box.upload()
    before = verify(box, "--since", "4d")[1]["total"]
    assert before == counts(stored=240, sent=240, on_server=240)
    at = box.now_ms - 2 * hour + 48 * hour + 30 * 60_000
    maintain(box.store, Moment(at, at % 10**9, "b", True), Pace(share=1))
    code, found = verify(box, "--since", "4d")
    assert code == 0
    assert found["total"]["missing"] == 0
    # Thirty runs are minutes now; what the server has of them is not held against anybody.
    assert found["total"]["sent"] == 180
    assert found["total"]["on_server"] in (180, 240)
