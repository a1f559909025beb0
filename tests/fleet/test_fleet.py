"""Forty boxes through the loss of their server: nobody is lost or doubled, and nobody marches in step.

`tests/fleet/run` is the same with a thousand (docs/fleet.md).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .histogram import histogram
from .simulation import Outcome, Script, simulate

pytestmark = pytest.mark.server

BOXES = 40
SCRIPT = Script(lost_s=90, back_s=690, end_s=810)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return simulate(tmp_path_factory.mktemp("fleet"), BOXES, SCRIPT, workers=2, compared=8)


def test_each_sample_of_each_box_is_with_the_server_once(fleet: Outcome) -> None:
    assert fleet.faults == []
    assert len(fleet.arrived) == BOXES
    assert min(fleet.arrived.values()) > 1000
    assert fleet.compared == 8


def test_boxes_that_get_their_power_together_do_not_come_together(fleet: Outcome, tmp_path: Path) -> None:
    """A server that sees all of them in a second in one case sees a fraction of them in the other."""
    alone = Script(90, 90, 90)
    step = simulate(tmp_path / "step", BOXES, alone, workers=2, compared=0, in_step=True)
    together, spread = (histogram("", one.arrivals, 30, 90) for one in (step, fleet))
    assert max(together.opened) >= BOXES // 4
    assert max(spread.opened) <= BOXES // 5
    assert sum(spread.opened) == pytest.approx(sum(together.opened), rel=0.25)


def test_after_an_outage_they_come_back_within_two_minutes_and_one_by_one(fleet: Outcome) -> None:
    # Whatever had begun before is through by then.
    outage = [arrival for arrival in fleet.arrivals if SCRIPT.lost_s + 30 <= arrival.at_s < SCRIPT.back_s]
    assert {arrival.status for arrival in outage} == {0}
    # Each asks about once a minute.
    assert BOXES * 6 <= len(outage) <= BOXES * 14
    back = [arrival for arrival in fleet.arrivals if arrival.at_s >= SCRIPT.back_s]
    assert {arrival.box for arrival in back} == set(fleet.accounts)
    assert max(histogram("", back, SCRIPT.back_s, SCRIPT.end_s).opened) <= BOXES // 5
