"""The alert rules, replayed over the scripted fleet by a real vmalert: what fires, when, until when, and where not."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from . import fleet
from .conftest import Server
from .test_dashboards import DOCUMENTED, OTHERS, metrics_of

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
FILES = {name: ROOT / f"configs/alerts/{name}.yml" for name in ("uploaded", "scraped")}
GROUPS: dict[str, list[dict[str, Any]]] = {
    name: yaml.safe_load(path.read_text())["groups"] for name, path in FILES.items()
}
RULES = {rule["alert"]: (group, rule) for groups in GROUPS.values() for group in groups for rule in group["rules"]}
MINUTE = fleet.MINUTE
BAD, GONE = "fleet-bad", "fleet-gone"
# In a replay each rule is asked so often, whatever its group says. With more than a group's interval `for` would begin
# anew each time.
STEP = 10
# How late, beside `for`, an alert may begin and end: intervals of what is judged and of who judges.
LATE = 75
# Alert: (box, seconds from the beginning of its trouble to firing, seconds from the end to clearing, None: never).
EXPECTED: dict[str, tuple[str, int, int | None]] = {
    "StreamInterrupted": (BAD, 5 * MINUTE, -24 * MINUTE),
    "HealthScoreLow": (BAD, 60, 0),
    "PacketLossHigh": (BAD, 0, 0),
    "RoundTripLong": (BAD, 0, 0),
    "FramesDropped": (BAD, 0, 0),
    "BitrateLow": (BAD, 10, 0),
    "SendBufferFull": (BAD, 0, 0),
    "LinkMissing": (BAD, 2 * MINUTE, 0),
    "BoxHot": (BAD, 0, 0),
    "BoxThrottled": (BAD, 5 * MINUTE, MINUTE),
    "CpuBusy": (BAD, 30, 0),
    "MemoryLow": (BAD, 0, 0),
    "DiskNearlyFull": (BAD, 5 * MINUTE, 0),
    "StreamingBoxSilent": (GONE, 2 * MINUTE, None),
    "BoxSilent": (GONE, 5 * MINUTE, None),
    "NoUpload": (GONE, 15 * MINUTE, None),
    "BacklogLarge": (BAD, 9 * MINUTE, 0),
    "BacklogGrowing": (BAD, 10 * MINUTE, 5 * MINUTE),
    "UploadsFailing": (BAD, 4 * MINUTE, 26 * MINUTE),
    "SamplesRefused": (BAD, 0, None),
    "CollectorFailing": (BAD, 0, 20 * MINUTE),
    "ClockWrong": (BAD, 0, 0),
    "WalLarge": (BAD, 0, MINUTE),
    "BoxUnreachable": (BAD, 5 * MINUTE, 0),
    "HealthError": (BAD, 5 * MINUTE, 0),
    "HealthDegraded": (BAD, 10 * MINUTE, 0),
    "CollectorNotOk": (BAD, MINUTE, 0),
    "UploadOld": (BAD, 0, 0),
    "QueueLarge": (BAD, 0, 0),
    "ClockOff": (BAD, 0, 0),
    "LogLarge": (BAD, 0, 0),
    "AlertOnBox": (BAD, 0, 0),
}
# Scraping ends with the box, and what was scraped last is not taken for the present: a VictoriaMetrics alone shows.
Spans = dict[tuple[str, str], list[tuple[int, int]]]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: tests/run installs it")
    return found


@pytest.fixture(scope="module")
def fired(server: Server) -> Spans:
    """(alert, box) to when it fired: from, to, of each time."""
    fleet.load(server.url)
    files = [f"-rule={path}" for path in FILES.values()]
    addresses = [f"-datasource.url={server.url}", f"-remoteWrite.url={server.url}", "-external.label=replay=yes"]
    times = [f"-replay.timeFrom={_rfc3339(fleet.BEGIN + 1800)}", f"-replay.timeTo={_rfc3339(fleet.END)}"]
    # No rule here is made of another: none has to wait.
    quick = ["-replay.rulesDelay=1ms", "-replay.disableProgressBar", f"-datasource.queryStep={STEP}s"]
    command = [tool("vmalert"), *files, *addresses, *times, *quick]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    spans: Spans = {}
    for line in server.exported('{__name__="ALERTS",replay="yes",alertstate="firing"}'):
        labels, stamps = line["metric"], line["timestamps"]
        assert isinstance(labels, dict)
        assert isinstance(stamps, list)
        key = labels["alertname"], labels.get("device_id", "")
        spans.setdefault(key, []).extend(_spans(sorted(stamp // 1000 for stamp in stamps)))
    return spans


def _groups() -> list[dict[str, Any]]:
    return [group for groups in GROUPS.values() for group in groups]


def _spans(times: list[int]) -> list[tuple[int, int]]:
    found = [(times[0], times[0])]
    for at in times[1:]:
        began, last = found[-1]
        if at - last > STEP:
            found.append((at, at))
        else:
            found[-1] = began, at
    return found


def _rfc3339(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_fires_and_clears(fired: Spans, alert: str) -> None:
    box, after, until = EXPECTED[alert]
    spans = fired.get((alert, box), [])
    assert spans, f"{alert} has not fired"
    began = min(first for first, _ in spans)
    ended = max(last for _, last in spans)
    trouble = fleet.GONE if box == GONE else fleet.TROUBLE.start
    assert trouble + after - 5 <= began <= trouble + after + LATE, f"{alert} after {began - trouble} s"
    if until is None:
        assert ended >= fleet.END - LATE
    else:
        over = ended - fleet.TROUBLE.stop
        assert until - LATE <= over <= until + LATE, f"{alert} until {over} s after the end"


def test_a_box_that_is_well_raises_none(fired: Spans) -> None:
    assert [alert for alert, box in fired if box == "fleet-well"] == []
    silent = {"StreamingBoxSilent", "BoxSilent", "NoUpload"}
    assert {alert for alert, box in fired if box == GONE} == silent


def test_every_rule_is_expected_and_none_is_there_twice() -> None:
    assert set(EXPECTED) == set(RULES)
    assert sum(len(group["rules"]) for group in _groups()) == len(RULES)
    names = [group["name"] for group in _groups()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_tells_a_person_what_is_wrong_and_where(alert: str) -> None:
    _, rule = RULES[alert]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert re.search(r"\$labels\.(device_id|instance)", rule["annotations"]["summary"])
    assert rule["annotations"]["description"].endswith((".", ";"))


@pytest.mark.parametrize("alert", RULES)
def test_every_metric_of_a_rule_is_documented(alert: str) -> None:
    names = metrics_of(RULES[alert][1]["expr"])
    assert names
    own = {name for name in names if name.startswith("belabox_") or name == "up"}
    assert names - own <= DOCUMENTED | OTHERS
    page = (ROOT / "lib/belabox_metrics/exposition/recorder.py").read_text()
    assert [name for name in own if name != "up" and f'"{name[8:]}"' not in page] == []


@pytest.mark.parametrize("name", FILES)
def test_vmalert_and_promtool_take_the_files(name: str) -> None:
    done = subprocess.run([tool("vmalert"), "-dryRun", f"-rule={FILES[name]}"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    if name == "scraped":
        done = subprocess.run([tool("promtool"), "check", "rules", FILES[name]], capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_of_documentation_lists_every_alert() -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    for alert, (_, rule) in RULES.items():
        (line,) = [line for line in page.split("\n") if line.startswith(f"| `{alert}` |")]
        assert f"| {rule['labels']['severity']} |" in line
        assert f"| {rule.get('for', 'at once')} |" in line


def test_the_server_of_the_tests_is_asked_at_the_scripted_time(server: Server) -> None:
    fleet.load(server.url)
    given: dict[str, str | int] = {
        "query": 'cpu_temperature_celsius{device_id="fleet-bad"}',
        "time": fleet.TROUBLE.start + 60,
    }
    answer = requests.get(f"{server.url}/api/v1/query", params=given, timeout=60).json()
    assert answer["data"]["result"][0]["value"][1] == "92"
