"""The RK3588's two video encoders, as the vendor's kernel shows them (`mpp_service`, its driver `mpp_rkvenc2.c`).

The driver raises an interrupt for each frame that it has encoded (more when a frame is cut into slices, which
BELABOX does not do), so what `/proc/interrupts` counts over time is the rate of frames.

`/proc/mpp_service/load` exists in kernels since about 2025, and says something only when root has once written an
interval into `load_interval` (unit belabox-metrics-vpu). After the last frame it keeps its last number for good, so it
is believed only while there are frames.

`sessions-info` and `sessions-summary` beside it would tell more, and are never read: a read that meets the end of an
encoding session can bring the kernel down.
"""

from __future__ import annotations

from ..errors import NoData, SourceProblem
from ..source import read_text, whole_lines

CORE = "rkvenc-core"
LOAD = "/proc/mpp_service/load"
_NOT_ARMED = "please set load_interval"


class Load:
    """Of one core over the last interval, both percent: `load`, the share of time that it worked, and `utilization`,
    of that the share in which it did not wait."""

    __slots__ = ("load", "utilization")

    def __init__(self, load: float, utilization: float) -> None:
        self.load = load
        self.utilization = utilization


def loads(root: str) -> dict[str, Load]:
    """Core -> Load; none when the kernel does not measure it. Raises SourceProblem."""
    try:
        text = read_text(root, LOAD, 1 << 16)
    except NoData:
        return {}
    return parse_loads(text, root + LOAD)


def parse_loads(text: str, where: str = LOAD) -> dict[str, Load]:
    """Lines as `fdbd0000.rkvenc-core      load:  11.34% utilization:  11.08%`; decoders are passed over."""
    if not text or text.startswith(_NOT_ARMED):
        return {}
    found: dict[str, Load] = {}
    for number, line in enumerate(whole_lines(text, where), 1):
        words = line.split()
        if not words or CORE not in words[0]:
            continue
        place = f"{where}:{number}"
        if len(words) != 5 or words[1] != "load:" or words[3] != "utilization:":
            raise SourceProblem("does not tell a load", where=place)
        found[words[0]] = Load(_percent(words[2], place), _percent(words[4], place))
    return found


def frame_rates(before: dict[str, int], now: dict[str, int], elapsed_ms: int) -> dict[str, float]:
    """Core -> frames a second between two readings of the interrupts, for the cores that are in both. A counter that
    went back (32 bits do come round) gives none."""
    if elapsed_ms <= 0:
        return {}
    return {
        core: round((count - before[core]) * 1000 / elapsed_ms, 2)
        for core, count in now.items()
        if core in before and count >= before[core]
    }


def _percent(word: str, where: str) -> float:
    whole, _, part = word[:-1].partition(".")
    if not (word.endswith("%") and (whole + part).isdigit() and word.isascii() and len(word) < 9):
        raise SourceProblem(f"{word[:40]!a} is no percentage", where=where)
    # Its interval and its clock are not quite the same, so a busy core is seen at 100.1.
    return min(float(word[:-1]), 100.0)
