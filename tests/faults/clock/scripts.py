"""What clocks do, as lives that somebody may have: each with the bound within which its samples have to be."""

from __future__ import annotations

import os
import time
from typing import Callable, NamedTuple

from .life import DAY_MS, HOUR_MS, MINUTE_MS, Life

# Where nobody sets the clock, it is believed while the server's differs by less than clock_skew_warn_threshold_ms, and
# what the server tells is right to half a second and half of the round trip. docs/upload.md#time
TOLD_MS = 2600
# One that a time server keeps is what it is, here exact; and so is all that it tells of its boot.
KEPT_MS = 0
LEAP_MS = 1000
FAR_FUTURE_MS = 3650 * DAY_MS


class Script(NamedTuple):
    """`bound_ms`: no sample is misplaced by more."""

    said: str
    bound_ms: int
    play: Callable[[Life], None]


def wakes_in_1970(life: Life) -> None:
    life.live(2)
    for minutes in (1, 10, 40):
        life.boot(-life.true_ms + 30_000)
        life.live_alone(minutes / 60)
        life.set(synchronized=True)
        life.live(1)


def wakes_in_1970_and_only_the_server_tells(life: Life) -> None:
    life.boot(-life.true_ms + 30_000)
    life.live_alone(1)
    life.live(3)


def a_day_without_a_time_server(life: Life) -> None:
    """It wakes half an hour late and offline; a day later there is a network again."""
    life.boot(-30 * MINUTE_MS)
    life.live_alone(24)
    life.set(synchronized=True)
    life.live(1)


def a_step_of_a_day_forward(life: Life) -> None:
    life.live(2)
    life.set(DAY_MS)
    life.live(2)
    life.set(synchronized=True)
    life.live(2)


def a_step_of_an_hour_back(life: Life) -> None:
    life.live(2)
    life.set(-HOUR_MS)
    life.live(2)
    life.set(synchronized=True)
    life.live(2)


def wakes_in_ten_years(life: Life) -> None:
    """And is right again later: what was stored then has ids that are ahead, and so has all that follows."""
    life.live(50)
    life.boot(FAR_FUTURE_MS)
    life.live_alone(5)
    life.set(synchronized=True)
    life.live(52)


def drift(life: Life) -> None:
    """Fifty seconds in a million, for a day of which nobody knows better: four seconds."""
    life.too_fast = 50
    life.live(1)
    life.synchronized = False
    life.live_alone(24)
    life.set(synchronized=True)
    life.live(1)


def a_leap_second(life: Life) -> None:
    """As Linux keeps it: the clock goes back by a second, and that second is had twice, to the millisecond. The truth
    here counts on, so the box is behind it from then on."""
    life.live(1)
    life.live_a_second(4)
    life.set(-1000, synchronized=True)
    life.live_a_second(4)
    life.live(1)


def another_time_zone(life: Life) -> None:
    """Midnight is elsewhere; no hour of the day is ever asked."""
    for zone in ("UTC", "Asia/Kathmandu", "America/St_Johns"):
        with _Zone(zone):
            life.live(1)


class _Zone:
    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._before = os.environ.get("TZ")
        os.environ["TZ"] = self._name
        time.tzset()

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = self._before
        time.tzset()


SCRIPTS = (
    Script("wakes in 1970, set minutes later, three times", KEPT_MS, wakes_in_1970),
    Script("wakes in 1970, only the server tells", TOLD_MS, wakes_in_1970_and_only_the_server_tells),
    Script("half an hour late, no time server for a day", KEPT_MS, a_day_without_a_time_server),
    Script("a step of a day forward, set right two hours later", KEPT_MS, a_step_of_a_day_forward),
    Script("a step of an hour back, set right two hours later", KEPT_MS, a_step_of_an_hour_back),
    Script("wakes in ten years, right again five hours later", KEPT_MS, wakes_in_ten_years),
    Script("a quartz 50 ppm too fast, nobody corrects it for a day", 5400, drift),
    Script("a leap second, which three metrics have twice", LEAP_MS, a_leap_second),
    Script("another time zone, twice", KEPT_MS, another_time_zone),
)
