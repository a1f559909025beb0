"""`gpu`: how busy the graphics processor is, and how fast it runs.

Reads `/sys/class/devfreq/*gpu*/{load,cur_freq}`; its name differs between drivers (`fb000000.gpu`,
`fb000000.gpu-panthor`). `cur_freq` is the kernel's (`Documentation/ABI/testing/sysfs-class-devfreq`), Hz; `load` is of
Rockchip's kernels alone: `22@300000000Hz`, percent of the last interval of the governor. Its temperature is the zone
`gpu-thermal` of `cpu.temperature`.
"""

from __future__ import annotations

from ..attributes import Attributes
from ..sample import Sample
from ..source import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Reading, Settings, World

METRIC = "gpu"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/sys/class/devfreq"


def parse(text: str) -> int | None:
    """Percent of `22@300000000Hz`, None when it is anything else."""
    percent, _, rest = text.partition("@")
    numbers = percent.isdigit() and rest[:-2].isdigit() and text.isascii()
    if numbers and rest.endswith("Hz") and len(percent) < 4 and int(percent) <= 100:
        return int(percent)
    return None


def collect(world: World) -> Reading:
    """`gpu.load_percent` and `gpu.frequency_hertz`, tag `device`. Raises NoData when no GPU tells either."""
    files = Attributes(world)
    samples: list[Sample] = []
    for device in files.names(PATH):
        if "gpu" not in device and "mali" not in device:
            continue
        load = files.text(f"{PATH}/{device}/load")
        if load is not None:
            percent = parse(load)
            if percent is None:
                files.broken(f"{PATH}/{device}/load", f"{shown(load)} is not a load")
            else:
                samples.append(Sample("gpu.load_percent", percent, {"device": device}))
        hertz = files.number(f"{PATH}/{device}/cur_freq")
        # 0 is what a driver says that does not know.
        if hertz is not None and hertz > 0:
            samples.append(Sample("gpu.frequency_hertz", hertz, {"device": device}))
    return files.reading(samples, f"{world.root}{PATH} has no GPU")
