"""What the machines of the lab are to go through."""

from __future__ import annotations

from typing import NamedTuple

from ..vm.machine import pace

# How long a machine that collects is left in peace at most, by what jobs cost in it: long enough for an upload.
UP_S = {"": 90.0, "slow": 90.0, "slower": 180.0}


class Plan(NamedTuple):
    """One machine's: so many `cuts`, but none after so many `minutes`. `up_s`: how long it is left in peace at most
    when it collects; `mount`: options of its file system, as ext4(5) has them."""

    number: int
    cuts: int
    minutes: float
    seed: int
    up_s: float
    mount: str = ""


def plans(cuts: int, machines: int, minutes: float, seed: int, up_s: float = 0.0, mount: str = "") -> list[Plan]:
    """A share for each machine. `up_s`: as Plan's, if not as UP_S says."""
    return [
        Plan(
            number=number,
            cuts=cuts // machines + (number < cuts % machines),
            minutes=minutes,
            seed=seed + number,
            up_s=up_s or UP_S["".join(pace())],
            mount=mount,
        )
        for number in range(machines)
    ]
