"""What the host has held up is told from what the box has."""

from __future__ import annotations

import pytest
from tests.pressure import Waits, stalled_s

PSI = """some avg10=1.00 avg60=0.50 avg300=0.10 total={total}
full avg10=0.00 avg60=0.00 avg300=0.00 total=9
"""


def test_a_file_of_pressure() -> None:
    assert stalled_s(PSI.format(total=2_500_000)) == 2.5
    assert stalled_s("") == 0


@pytest.mark.parametrize(
    ("begin", "end", "waited_s"),
    [
        # Nobody waited before 10, two seconds until 14, and then none.
        (1, 9, 0),
        (10, 14, 2),
        (6, 20, 2),
        (11, 13, 2),
        # No longer than there was time.
        (12, 13, 1),
        (15, 20, 0),
        (30, 40, 0),
    ],
)
def test_who_waited_between_two_moments(begin: float, end: float, waited_s: float) -> None:
    waits = Waits()
    for at, total in ((0, 0), (10, 0), (14, 2_000_000), (20, 2_000_000)):
        waits.note(at, [PSI.format(total=total), PSI.format(total=0)])
    assert waits.between(begin, end) == waited_s


def test_where_the_kernel_tells_nothing_nobody_waited() -> None:
    assert Waits().between(1, 9) == 0
