"""`encoder`: whether video is being encoded, how many frames, how hard it is, and within which bitrates.

BELABOX's encoder tells nothing of itself, so it is looked at from around it: the interrupts and the load of the
hardware, the file of limits that belaUI writes, and, for set-ups of one's own, the files that `ffmpeg -progress`
(setting `progress_file`) and `srt-live-transmit -statsout` (`statistics_file`) write. `belabox_metrics/encoder/` has a
module for each.
"""

from __future__ import annotations

from ..encoder import belacoder, hardware
from ..errors import NoData, Problem, SourceProblem
from ..interrupts import counted
from ..sample import Sample
from ..source import read_tail
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "encoder"
PRIORITY = 1
SETTINGS: Settings = {
    "progress_file": ("path", ""),
    "statistics_file": ("path", ""),
    # A file not written for so long tells of a stream that is over.
    "stale_after": ("duration", 15_000),
}

TAIL = 16 * 1024  # bytes of a file that are read; some sixty blocks, or twenty reports


class Memory:
    """What the next run needs: interrupts by `cores`, the `process` of belacoder, marks of what was read last of
    the two files (`progress`, `statistics`), what was `missing`, and whether nothing ran (`idle`). `encodes`, whether
    the hardware had frames since the last run, is of this one alone."""

    __slots__ = ("cores", "encodes", "idle", "missing", "process", "progress", "statistics")

    def __init__(self, state: str) -> None:
        lines = state.split("\n")
        cores, self.process, self.progress, self.statistics, self.missing, idle = lines if len(lines) == 6 else [""] * 6
        self.idle = idle == "idle"
        self.encodes = False
        words = cores.split(" ")
        self.cores = {core: int(count) for core, count in zip(words[::2], words[1::2]) if count.isdigit()}

    def text(self) -> str:
        """As the state of a Reading."""
        cores = " ".join([f"{core} {count}" for core, count in self.cores.items()])
        told = [self.process, self.progress, self.statistics, self.missing.replace("\n", " ")]
        return "\n".join([cores, *told, "idle" if self.idle else ""])


def collect(world: World) -> Reading:
    """`encoder.running` (1 or 0), and only while it is 1:

    `encoder.frame_rate_fps` and `encoder.core_frame_rate_fps` (tag `core`), `encoder.load_percent` (of the busier
    core), `encoder.core_load_percent` and `encoder.core_utilization_percent` (tag `core`), all by the hardware;
    `encoder.bitrate_limit_kbps` (tag `limit`: `min`, `max`); what `ffmpeg_progress` lists; `encoder.send_rate_kbps` by
    srt-live-transmit.

    A first run that finds no program has no values: it has nothing to compare the hardware with. One source that
    can't be read is warned about when that changes. Raises NoData when there is nothing to look at; what the first
    raised when all that there is fail."""
    memory = Memory(world.state)
    samples: list[Sample] = []
    running: list[bool | None] = []
    faults: list[Problem] = []
    absent: list[NoData] = []
    looks = [_frames, _load, _belacoder]
    # Most boxes have neither file.
    looks += [_progress] if world.text("progress_file") else []
    looks += [_statistics] if world.text("statistics_file") else []
    for look in looks:
        try:
            runs, found = look(world, memory)
        except NoData as reason:
            absent.append(reason)
        except Problem as fault:
            faults.append(fault)
        else:
            running.append(runs)
            samples += found
    if not running:
        # Of a file that is configured the reason is news; that a box has no such hardware is not.
        nothing = absent[-1] if len(looks) > 3 else NoData("nothing on this box tells of an encoder")
        raise faults[0] if faults else nothing
    missing = str(faults[0]) if faults else ""
    warnings = [missing] if missing and missing != memory.missing else []
    memory.missing = missing
    if any(running):
        samples.insert(0, Sample("encoder.running", 1))
    else:
        # That belacoder is not there says nothing of other programs before the hardware was compared.
        samples = [] if None in running else [Sample("encoder.running", 0)]
    memory.idle = all(runs is False for runs in running)
    return Reading(samples, memory.text(), warnings, is_idle=not any(running))


def _frames(world: World, memory: Memory) -> tuple[bool | None, list[Sample]]:
    before, memory.cores = memory.cores, {}
    memory.cores = counted(world.root, hardware.CORE)
    if not memory.cores:
        raise NoData("this board has no encoder that its kernel names")
    rates = hardware.frame_rates(before, memory.cores, world.elapsed_ms or 0)
    if not rates:
        return None, []
    whole = round(sum(rates.values()), 2)
    memory.encodes = whole > 0
    if memory.idle:  # it began somewhere in this time, of which a mean would tell too little
        return memory.encodes, []
    found = [Sample("encoder.frame_rate_fps", whole)]
    found += [Sample("encoder.core_frame_rate_fps", rate, {"core": core}) for core, rate in rates.items()]
    return memory.encodes, found


def _load(world: World, memory: Memory) -> tuple[bool | None, list[Sample]]:
    if not memory.encodes:
        raise NoData("the load is that of an earlier stream")
    loads = hardware.loads(world.root)
    if not loads:
        raise NoData("the load is not measured")
    found = [Sample("encoder.load_percent", max([core.load for core in loads.values()]))]
    for name, core in loads.items():
        found.append(Sample("encoder.core_load_percent", core.load, {"core": name}))
        found.append(Sample("encoder.core_utilization_percent", core.utilization, {"core": name}))
    return True, found


def _belacoder(world: World, memory: Memory) -> tuple[bool | None, list[Sample]]:
    low, high = belacoder.limits(world.root)
    memory.process = belacoder.process(world.root, memory.process)
    if not memory.process:
        return False, []
    return True, [
        Sample("encoder.bitrate_limit_kbps", bits / 1000, {"limit": limit})
        for limit, bits in (("min", low), ("max", high))
    ]


def _progress(world: World, memory: Memory) -> tuple[bool | None, list[Sample]]:
    seen, memory.progress = memory.progress, ""
    text, written_ms = _fresh(world, "progress_file")
    from ..encoder import ffmpeg_progress

    block = ffmpeg_progress.parse(text, world.text("progress_file"))
    if block.ended:
        return False, []
    memory.progress = ffmpeg_progress.mark(block, written_ms)
    return True, ffmpeg_progress.collect(block, written_ms, seen, world.elapsed_ms, world.number("stale_after"))


def _statistics(world: World, memory: Memory) -> tuple[bool | None, list[Sample]]:
    seen, memory.statistics = memory.statistics, ""
    text, _ = _fresh(world, "statistics_file")
    from ..srt import live_transmit

    path = world.text("statistics_file")
    reports = live_transmit.parse(text, path)
    if reports[-1].received:
        raise SourceProblem("is of a receiver, not of a sender", where=path, hint="srt.packet_loss reads that")
    memory.statistics = live_transmit.mark(reports)
    return True, [
        Sample("encoder.send_rate_kbps", round(sample.value * 1000, 1))
        for sample in live_transmit.collect(reports, seen)
        if sample.name == "srt.send_rate_mbps" and isinstance(sample.value, (int, float))
    ]


def _fresh(world: World, setting: str) -> tuple[str, int]:
    """The end of the file that a setting names, and when it was written. Raises NoData when it is not there or
    stale."""
    path = world.text(setting)
    text, written_ms = read_tail(world.root, path, TAIL)
    if not world.is_fresh(written_ms):
        raise NoData(f"{path} is stale, not written for more than {world.number('stale_after') / 1000:g} s")
    return text, written_ms
