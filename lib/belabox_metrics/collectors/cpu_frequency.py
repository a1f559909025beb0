"""`cpu.frequency`: how fast the cores run, and how fast they may.

Reads `/sys/devices/system/cpu/cpufreq/policy*/` (the kernel's `Documentation/admin-guide/pm/cpufreq.rst`), kHz, and
gives Hz. Cores that share a clock share a policy, which is numbered after the first of them: on an RK3588 policy0
is the four small cores, policy4 and policy6 are the pairs of big ones.
"""

from __future__ import annotations

from ..attributes import Attributes
from ..sample import Sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Reading, Settings, World

METRIC = "cpu.frequency"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/sys/devices/system/cpu/cpufreq"
# (series, file). The limit is what cooling, or a person, has left of the maximum.
SERIES = (
    ("cpu.frequency_hertz", "scaling_cur_freq"),
    ("cpu.frequency_limit_hertz", "scaling_max_freq"),
    ("cpu.frequency_max_hertz", "cpuinfo_max_freq"),
)


def collect(world: World) -> Reading:
    """The three of SERIES for each policy, tag `policy`. Raises NoData on a machine that can't change its clock.

    0 is left out: drivers that can't tell the clock say so, and no core stands still."""
    files = Attributes(world)
    samples: list[Sample] = []
    for policy in files.entries(PATH, "policy"):
        for series, name in SERIES:
            path = f"{PATH}/{policy}/{name}"
            kilohertz = files.number(path)
            if kilohertz is not None and kilohertz < 0:
                files.broken(path, f"{kilohertz} kHz can't be true")
            elif kilohertz:
                samples.append(Sample(series, kilohertz * 1000, {"policy": policy}))
    return files.reading(samples, f"{world.root}{PATH} has no frequency")
