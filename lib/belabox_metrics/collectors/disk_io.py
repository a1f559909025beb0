"""`disk.io`: what each whole disk has done since boot.

Reads `/proc/diskstats` (the kernel's `Documentation/admin-guide/iostats.rst`). A sector there is 512 bytes
whatever the device calls a block (`Documentation/block/stat.rst`). Partitions are left out: the disk's own
line holds them already. Counters may wrap (the times after 49 days of activity), which a rate sees as a
restart.
"""

from __future__ import annotations

from ..errors import NoData, SourceProblem
from ..sample import Sample
from ..selection import Selection
from ..source import read_text, unsigned, whole_lines
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "disk.io"
PRIORITY = 2
# SATA and USB disks, NVMe, eMMC and SD cards, virtio and Xen disks; no partition of any, no mmcblk0boot0.
WHOLE_DISKS = "sd[a-z]+|nvme[0-9]+n[0-9]+|mmcblk[0-9]+|vd[a-z]+|xvd[a-z]+"
SETTINGS: Settings = {"allowed_devices": ("pattern", "")}

PATH = "/proc/diskstats"
SECTOR = 512
_MIN_FIELDS = 14  # Linux 2.6 to 4.17; 18 with discards, 20 with flushes
# (series, which field of the line counting from 0, bytes or operations or ms to a unit of it)
SERIES = (
    ("disk.read_ops_total", 3, 1),
    ("disk.write_ops_total", 7, 1),
    ("disk.read_bytes_total", 5, SECTOR),
    ("disk.write_bytes_total", 9, SECTOR),
    ("disk.read_time_ms_total", 6, 1),
    ("disk.write_time_ms_total", 10, 1),
    ("disk.io_time_ms_total", 12, 1),
    ("disk.weighted_io_time_ms_total", 13, 1),
)


def read(world: World) -> str:
    """The text of `/proc/diskstats`. Raises NoData without it, SourceProblem when it can't be read."""
    return read_text(world.root, PATH)


def parse(text: str, chosen: Selection, where: str = PATH) -> dict[str, list[int]]:
    """Text to `{"nvme0n1": [values in the order of SERIES]}` for the chosen devices. Raises SourceProblem."""
    disks: dict[str, list[int]] = {}
    for number, line in enumerate(whole_lines(text, where), 1):
        fields = line.split()
        if len(fields) < 3:
            raise SourceProblem("has a line without a device", where=f"{where}:{number}")
        device = fields[2]
        if not chosen.takes(device):
            continue
        if len(fields) < _MIN_FIELDS:
            short = f"{device} has {len(fields)} of {_MIN_FIELDS} fields"
            raise SourceProblem(short, where=f"{where}:{number}")
        disks[device] = [
            unsigned(fields[field], where, number, f"{device} field {field + 1}") * unit for _, field, unit in SERIES
        ]
    return disks


def collect(world: World) -> Reading:
    """The eight counters of SERIES for each disk, tag `device`. Raises NoData when no disk matches the
    pattern."""
    chosen = Selection([world.text("allowed_devices") or WHOLE_DISKS], [], world.state)
    text = read(world)
    # A kernel without any block device has the file, and nothing in it.
    disks = parse(text, chosen, world.root + PATH) if text else {}
    if not disks:
        raise NoData("no disk here matches allowed_devices")
    samples: list[Sample] = []
    for device, values in disks.items():
        tags = {"device": device}
        samples += [Sample(series, value, tags) for (series, _, _), value in zip(SERIES, values)]
    return Reading(samples, chosen.remember())
