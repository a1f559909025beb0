"""Each expression of each dashboard, asked of a real VictoriaMetrics that holds the scripted fleet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from belabox_metrics.upload.names import metric_name

from . import fleet
from .conftest import Server

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "configs/grafana").glob("*.json"))
BOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in FILES}
DOCUMENTED = {
    metric_name(name)
    for name in re.findall(r"^\| `([a-z0-9_.]+)` \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
}
# Told in the text: what the jobs `clock` and `stream.events` store, and what vmalert writes.
OTHERS = {"time_skew_ms", "time_skew_error_ms", "stream_event", "ALERTS"}
FUNCTIONS = re.compile(r"\b([a-zA-Z_]\w*)\s*\(")
WORDS = {"by", "on", "or", "and", "unless", "group_left", "default"}


class Query(NamedTuple):
    board: str
    panel: str
    expr: str
    instant: bool

    def __str__(self) -> str:
        return f"{self.board}: {self.panel}"


def queries() -> Iterator[Query]:
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield Query(name, panel["title"], target["expr"], target["instant"])
        for annotation in board["annotations"]["list"]:
            if "target" in annotation:
                yield Query(name, f"annotation {annotation['name']}", annotation["target"]["expr"], False)


QUERIES = list(queries())


def resolved(expr: str, device: str, seconds: int) -> str:
    """As Grafana fills in its variables."""
    found = {"$device": device, "$__rate_interval": "1m", "$__interval": "30s", "$__range": f"{seconds}s"}
    for name, value in found.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return expr


@pytest.fixture(scope="module")
def loaded(server: Server) -> Server:
    fleet.load(server.url)
    return server


def ask(server: Server, expr: str, instant: bool, at: int = fleet.END, seconds: int = 7200) -> list[dict[str, Any]]:
    given: dict[str, str | int] = {"query": expr, "nocache": 1}
    if instant:
        answer = requests.get(f"{server.url}/api/v1/query", params={**given, "time": at}, timeout=30)
    else:
        given |= {"start": at - seconds, "end": at, "step": 30}
        answer = requests.get(f"{server.url}/api/v1/query_range", params=given, timeout=30)
    assert answer.status_code == 200, f"{expr}: {answer.text}"
    found = answer.json()["data"]["result"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_an_expression_has_an_answer(loaded: Server, query: Query) -> None:
    devices = ["fleet-bad", "fleet-well"]
    if query.board == "fleet":
        devices = [".*"]
    elif any(word in query.panel for word in ("annotation", "Sessions", "Alerts", "What happened")):
        devices = ["fleet-bad"]
    for device in devices:
        assert ask(loaded, resolved(query.expr, device, 7200), query.instant), f"{query.expr} of {device} has no answer"


def panel(board: str, title: str) -> list[str]:
    # Of two of one title, a number and a curve, the number.
    found = next(panel for panel in BOARDS[board]["panels"] if panel["title"] == title)
    return [target["expr"] for target in found["targets"]]


def value(server: Server, board: str, title: str, device: str, at: int, nth: int = 0) -> float:
    (found,) = ask(server, resolved(panel(board, title)[nth], device, 7200), True, at)
    return float(found["value"][1])


@pytest.mark.parametrize(
    ("board", "title", "device", "at", "expected"),
    [
        ("box", "Last heard of", "fleet-gone", fleet.END, 2410),
        ("box", "Last heard of", "fleet-well", fleet.END, 0),
        ("box", "Health score", "fleet-bad", fleet.TROUBLE.stop - 1, 12),
        ("box", "Weakest part", "fleet-bad", fleet.TROUBLE.stop - 1, 0.1),
        ("box", "Hottest", "fleet-bad", fleet.TROUBLE.stop - 1, 92),
        ("box", "Live", "fleet-bad", fleet.SECOND_BEGAN - 60, 0),
        ("fleet", "Boxes", "fleet-.*", fleet.END, 3),
        ("fleet", "Silent", "fleet-.*", fleet.END, 1),
        ("fleet", "Silent", "fleet-well", fleet.END, 0),
        ("fleet", "Live", "fleet-.*", fleet.END, 2),
        ("fleet", "Streams in trouble", "fleet-.*", fleet.TROUBLE.stop - 1, 1),
        ("fleet", "Too hot", "fleet-.*", fleet.TROUBLE.stop - 1, 1),
        ("fleet", "Alerts on", "fleet-.*", fleet.TROUBLE.stop - 1, 1),
        ("fleet", "Alerts on", "fleet-.*", fleet.TROUBLE.stop + 60, 0),
        ("fleet", "Alerts on", "fleet-.*", fleet.END, 1),
        ("session", "Score, worst", "fleet-bad", fleet.END, 12),
        ("session", "Score, worst", "fleet-well", fleet.END, 98),
        ("session", "Time below 50", "fleet-bad", fleet.END, 1800),
        ("session", "Time below 50", "fleet-well", fleet.END, 0),
        ("session", "Live for", "fleet-bad", fleet.END, 105 * 60),
        ("session", "Sent", "fleet-well", fleet.END, 6000 * 125 * 7200),
        ("session", "Slowed by heat", "fleet-bad", fleet.END, 0.25),
    ],
)
def test_a_panel_shows_what_was_scripted(
    loaded: Server, board: str, title: str, device: str, at: int, expected: float
) -> None:
    assert value(loaded, board, title, device, at) == pytest.approx(expected, rel=0.02, abs=0.001)


def test_a_session_is_listed_with_its_times(loaded: Server) -> None:
    ended, began = panel("fleet", "Sessions that ended")
    (end,) = ask(loaded, resolved(ended, ".*", 7200), False)
    (start,) = ask(loaded, resolved(began, ".*", 7200), False)
    # A table joins the two by their times and labels.
    assert [at for at, _ in end["values"]] == [at for at, _ in start["values"]]
    assert float(end["values"][0][1]) == fleet.FIRST.stop * 1000
    assert abs(float(start["values"][0][1]) - fleet.FIRST.start * 1000) <= 10_000


def test_events_are_marked_at_their_time(loaded: Server) -> None:
    (trouble,) = [query.expr for query in QUERIES if str(query) == "box: annotation Trouble"]
    found = ask(loaded, resolved(trouble, "fleet-bad", 7200), False)
    marks = {line["metric"]["event"]: {float(at) for _, at in line["values"]} for line in found}
    assert marks["all_links_down"] == {(fleet.END - 75 * 60) * 1000.0}
    assert set(marks) == {"all_links_down", "alert_raised"}


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_one_that_grafana_takes(name: str) -> None:
    board = BOARDS[name]
    assert board["uid"] == f"belabox-{name}"
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells), "panels lie upon each other"
    assert all(x < 24 for x, _ in cells)
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "device"]
    for panel in panels:
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["description"].endswith("."), panel["title"]
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"], panel["title"]
        assert defaults["thresholds"]["steps"][0]["value"] is None
        if panel["type"] == "timeseries":
            assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


def test_links_lead_to_boards_that_there_are() -> None:
    links = re.findall(r"/d/([a-z-]+)\?", json.dumps(BOARDS))
    assert set(links) == {"belabox-box", "belabox-session"} <= {board["uid"] for board in BOARDS.values()}


def metrics_of(expr: str) -> set[str]:
    """The names of series in an expression."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    bare = re.sub(r"\b(?:by|on|group_left)\s*\([^)]*\)", "", bare)
    return {name for name in re.findall(r"[a-zA-Z_]\w*", bare) if name not in WORDS} - set(FUNCTIONS.findall(bare))


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_every_metric_is_documented(query: Query) -> None:
    names = metrics_of(query.expr)
    assert names
    assert names <= DOCUMENTED | OTHERS


def test_the_script_has_no_series_that_a_box_has_not() -> None:
    names = {metric_name(row.name) for row in fleet.ROWS if not row.scraped}
    assert names <= DOCUMENTED | OTHERS
    page = (ROOT / "lib/belabox_metrics/exposition/recorder.py").read_text()
    assert [
        row.name for row in fleet.ROWS if row.scraped and row.name != "up" and f'"{row.name[8:]}"' not in page
    ] == []
