"""`hdmi.input`: whether a camera is plugged in, in what mode it sends, and how often it was lost.

Asks `v4l2-ctl` (package v4l-utils) about the node of the board's own HDMI receiver: `rk_hdmirx` of the vendor's
kernels, `snps_hdmirx` of later ones. First the control `power_present` (5 V from the source: the cable is in), and
only then `--query-dv-timings`: each such query that fails writes an error into the kernel log, which belaUI follows.
So one that failed is asked again when something has changed, or after minutes.

A capture box on USB is another device, which these words do not fit: a board that uses one has nothing plugged into
its HDMI input.
"""

from __future__ import annotations

from .. import program
from ..errors import NoData, Problem, SourceProblem
from ..interrupts import counted
from ..sample import Sample
from ..source import list_dir, read_text, unsigned
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "hdmi.input"
PRIORITY = 2
SETTINGS: Settings = {}

NODES = "/sys/class/video4linux"
RECEIVER = "hdmirx"  # part of the name of the node, and of the rows in /proc/interrupts
# The two queries together end well before the unit's time is up.
TIMEOUT_MS = 5000
# After a query that failed, in ms: how long until the next when the receiver has had interrupts since, so that a signal
# which comes back is soon seen and one that flickers does not fill the log; how long when it had none, which doubles
# with each failure; and the longest that doubles to.
CHANGED_WAIT = 30_000
QUIET_WAIT = 60_000
LONGEST_WAIT = 300_000
# No source sends more; what a receiver without lock reports may be anything.
MOST_PIXELS = 16_384
MOST_HERTZ = 1000
_FAILED = 255  # what v4l2-ctl ends with when the driver refuses


class Mode:
    """What the source sends: `width` and `height` of the picture in pixels, `rate` in frames a second (of two fields
    each when `interlaced`)."""

    __slots__ = ("height", "interlaced", "rate", "width")

    def __init__(self, width: int, height: int, rate: float, interlaced: bool) -> None:
        self.width = width
        self.height = height
        self.rate = rate
        self.interlaced = interlaced

    def __str__(self) -> str:
        """As people say it, with the rate of fields when interlaced: 1080i60 has thirty frames. Without a rate where
        that is not told."""
        rate = self.rate * 2 if self.interlaced else self.rate
        return f"{self.width}x{self.height}{'i' if self.interlaced else 'p'}{f'{rate:g}' if rate else ''}"


class Memory:
    """What is known from earlier runs: whether the source was `present` and had a `signal`, how often that was lost
    (`interruptions`), how many queries have failed in a row (`failures`), how long ago (`waited` ms), and how many
    `interrupts` the receiver had had."""

    __slots__ = ("failures", "interruptions", "interrupts", "present", "signal", "waited")

    def __init__(self, state: str, elapsed_ms: int) -> None:
        words = state.split(" ")
        try:
            values = [unsigned(word, "state", 0, "number") for word in words]
        except SourceProblem:
            values = []
        # Of another version: as good as none.
        if len(values) != len(self.__slots__):
            values = [0] * len(self.__slots__)
        self.present, self.signal, self.interruptions, self.failures, self.waited, self.interrupts = values
        self.waited += elapsed_ms

    def text(self) -> str:
        """As the state of a Reading."""
        values = (self.present, self.signal, self.interruptions, self.failures, self.waited, self.interrupts)
        return " ".join(map(str, values))

    def asks(self, interrupts: int) -> bool:
        """Whether a source that is present is asked for its mode."""
        if not self.failures or not self.present:
            return True
        quiet = min(QUIET_WAIT << min(self.failures - 1, 8), LONGEST_WAIT)
        return self.waited >= (quiet if interrupts == self.interrupts else CHANGED_WAIT)


def node(root: str) -> str:
    """The receiver's device, `/dev/video0`. Raises NoData when the board has none."""
    missing = "this board has no HDMI input that its kernel knows"
    try:
        names = list_dir(root, NODES)
    except NoData:
        raise NoData(missing) from None
    for name in sorted(names):
        try:
            if RECEIVER in read_text(root, f"{NODES}/{name}/name", 4096):
                return f"/dev/{name}"
        except (NoData, SourceProblem):
            continue
    raise NoData(missing)


def parse_present(text: str, where: str) -> bool:
    """`power_present: 1`. Raises SourceProblem."""
    key, _, value = text.strip().partition(": ")
    if key != "power_present" or value not in ("0", "1"):
        raise SourceProblem("does not tell whether a source is plugged in", where=where)
    return value == "1"


def parse_mode(text: str, where: str) -> Mode | None:
    """The answer of `--query-dv-timings`; None when it is that of a receiver without a signal: a failure, after which
    it goes on with zeros. Raises SourceProblem when it is no answer at all."""
    if "VIDIOC_QUERY_DV_TIMINGS: failed" in text:
        return None
    fields = dict([line.strip().partition(": ")[::2] for line in text.split("\n") if ": " in line])
    try:
        width = unsigned(fields["Active width"], where, 0, "width")
        height = unsigned(fields["Active height"], where, 0, "height")
        form = fields["Frame format"]
        clock = fields["Pixelclock"]
    except (KeyError, SourceProblem):
        raise SourceProblem("does not tell the mode of the source", where=where) from None
    if not 0 < width <= MOST_PIXELS or not 0 < height <= MOST_PIXELS:
        return None
    interlaced = form == "interlaced"
    rate = _rate(clock)
    return Mode(width, height, rate / 2 if interlaced else rate, interlaced)


def collect(world: World) -> Reading:
    """`hdmi.present` (5 V on the cable), and while there is: `hdmi.signal` (1 or 0; no value in a run that did not
    ask), with a signal also `hdmi.width_pixels`, `hdmi.height_pixels`, `hdmi.frame_rate_fps`, `hdmi.interlaced` and the
    text `hdmi.mode`. `hdmi.interruptions_total` counts the runs that found the signal of the run before gone.

    Raises NoData when the board has no receiver or no v4l2-ctl, TryLater when that hangs, SourceProblem."""
    device = world.root + node(world.root)
    command = [program.find(world.root, "v4l2-ctl", "v4l-utils"), "-d", device]
    memory = Memory(world.state, world.elapsed_ms or 0)
    present = _present(command, device)
    interrupts = _interrupts(world.root)
    samples = [Sample("hdmi.present", int(present))]
    signal = 0
    if not present:
        memory.failures = 0
    elif memory.asks(interrupts):
        mode = _mode(command, device)
        memory.waited = 0
        memory.failures = 0 if mode else memory.failures + 1
        signal = 1 if mode else 0
        samples.append(Sample("hdmi.signal", signal))
        samples += _of(mode) if mode else []
        memory.interrupts = interrupts
    else:
        samples.append(Sample("hdmi.signal", None))
    memory.interruptions += int(memory.signal > signal)
    memory.present, memory.signal = int(present), signal
    samples.append(Sample("hdmi.interruptions_total", memory.interruptions))
    return Reading(samples, memory.text())


def _present(command: list[str], device: str) -> bool:
    asked = program.run([*command, "--get-ctrl=power_present"], TIMEOUT_MS)
    if asked.code:
        raise SourceProblem(asked.complaint(), where=device)
    return parse_present(asked.out, device)


def _mode(command: list[str], device: str) -> Mode | None:
    asked = program.run([*command, "--query-dv-timings"], TIMEOUT_MS)
    if asked.code not in (0, _FAILED):
        raise SourceProblem(asked.complaint(), where=device)
    return parse_mode(asked.out, device)


def _interrupts(root: str) -> int:
    """Only a hint to ask earlier: without it the wait decides."""
    try:
        return sum(counted(root, RECEIVER).values())
    except (NoData, Problem):
        return 0


def _rate(clock: str) -> float:
    """60.0 of `148504000 Hz (60.00 frames per second)`; fields when interlaced; 0 when it is not told."""
    number, _, unit = clock.partition("(")[2].partition(" ")
    whole, _, part = number.partition(".")
    if not unit.endswith("per second)") or not (whole + part).isdigit() or not number.isascii() or len(number) > 12:
        return 0.0
    rate = float(number)
    return rate if rate <= MOST_HERTZ else 0.0


def _of(mode: Mode) -> list[Sample]:
    samples = [
        Sample("hdmi.width_pixels", mode.width),
        Sample("hdmi.height_pixels", mode.height),
        Sample("hdmi.interlaced", int(mode.interlaced)),
        Sample("hdmi.mode", str(mode)),
    ]
    if mode.rate:
        samples.append(Sample("hdmi.frame_rate_fps", mode.rate))
    return samples
