"""What a machine that was on for so long has not done is seen."""

from __future__ import annotations

from typing import Any

import pytest

from belabox_metrics import journal

from . import resumption
from .resumption import Schedule, resumed

BEGAN = 1_760_000_000.0
SCHEDULE = Schedule({"stream.events": 5.0, "cpu.usage": 10.0, "system.load": 60.0}, 57.0)


def said(at: float, metric: str) -> dict[str, Any]:
    times = {"__REALTIME_TIMESTAMP": str(int((BEGAN + at) * 1e6))}
    return {"MESSAGE_ID": journal.COLLECTED, "BELABOX_METRIC": metric} | times


ALL = [said(10, "stream.events"), said(17, "cpu.usage"), said(54, "system.load")]


@pytest.mark.parametrize(
    ("records", "sent", "up_s", "due", "upload_due", "faults"),
    [
        ([], [], 20.0, 0, False, []),
        ([], [], 200.0, 0, False, ["nothing was collected in 200 s"]),
        (ALL, [], 30.0, 0, False, []),
        (ALL[:1], [], 36.0, 1, False, []),
        (ALL[:1], [], 41.0, 2, False, ["not collected in 41 s: cpu.usage"]),
        (ALL, [], 98.0, 3, True, ["nothing was sent in 98 s"]),
        # In the boot before, and in the one after.
        (ALL, [-5, 99], 98.0, 3, True, ["nothing was sent in 98 s"]),
        (ALL, [97], 98.0, 3, True, []),
        (ALL[:2], [60], 95.0, 3, False, ["not collected in 95 s: system.load"]),
    ],
)
def test_each_metric_and_the_upload_have_their_time(
    monkeypatch: pytest.MonkeyPatch,
    records: list[dict[str, Any]],
    sent: list[float],
    up_s: float,
    due: int,
    upload_due: bool,
    faults: list[str],
) -> None:
    monkeypatch.setattr(resumption, "pace", lambda: ["slow"])
    found = resumed(records, [BEGAN + at for at in sent], BEGAN, BEGAN + up_s, SCHEDULE)
    assert (found.due, found.upload_due, found.faults) == (due, upload_due, faults)


def test_a_machine_in_which_jobs_cost_more_is_given_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumption, "pace", lambda: ["slower"])
    assert resumed(ALL[:1], [], BEGAN, BEGAN + 100, SCHEDULE).faults == []
    assert resumed(ALL[:1], [], BEGAN, BEGAN + 148, SCHEDULE).faults[0] == "not collected in 148 s: cpu.usage"
