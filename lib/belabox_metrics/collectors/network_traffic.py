"""`network.traffic`: what each interface has received and sent.

Reads `/proc/net/dev` (the kernel's `Documentation/networking/statistics.rst`, proc_pid_net(5)). Counters run
since the interface was created: those of a modem that was plugged in again start at 0.
"""

from __future__ import annotations

from zlib import crc32

from ..errors import NoData, SourceProblem
from ..sample import Sample
from ..selection import Selection
from ..source import plain, read_text, unsigned, whole_lines
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "network.traffic"
PRIORITY = 2
SETTINGS: Settings = {
    "include_ifaces": ("patterns", []),
    # Loopback, containers and virtual machines, monitor mode: their traffic is nobody's uplink. Modems stay
    # in.
    "exclude_ifaces": ("patterns", ["lo", "docker.*", "veth.*", "br-.*", "wlan.*mon", "virbr.*"]),
    "max_interfaces": ("count", 32),
}

PATH = "/proc/net/dev"
# (series, which number after the colon counting from 0)
SERIES = (
    ("network.rx_bytes_total", 0),
    ("network.tx_bytes_total", 8),
    ("network.rx_packets_total", 1),
    ("network.tx_packets_total", 9),
    ("network.rx_errors_total", 2),
    ("network.tx_errors_total", 10),
    ("network.rx_dropped_total", 3),
    ("network.tx_dropped_total", 11),
)
# Interfaces remembered after they are gone, so that one which comes back is recognised.
GONE = 16
_COLUMNS = ["bytes", "packets", "errs", "drop"]
_FIELDS = 16


class Memory:
    """What is known from earlier runs: `seen` interfaces as (bytes received, bytes sent, resets noticed),
    how many readings the cap has `dropped`, `left_out`: a checksum of the names it dropped last, and the
    selection's `memo`."""

    __slots__ = ("dropped", "left_out", "memo", "seen")

    def __init__(self) -> None:
        self.memo = ""
        self.dropped = 0
        self.left_out = ""
        self.seen: dict[str, tuple[int, int, int]] = {}

    @classmethod
    def of(cls, state: str) -> Memory:
        """Read back what `text` wrote; lines that another version left are passed over."""
        memory = cls()
        memory.memo, *lines = state.split("\n")
        for line in lines:
            words = line.split(" ")
            try:
                if len(words) == 3 and words[0] == "dropped":
                    memory.dropped, memory.left_out = _number(words[1]), words[2]
                elif len(words) == 4:
                    memory.seen[words[0]] = (_number(words[1]), _number(words[2]), _number(words[3]))
            except SourceProblem:
                continue
        return memory

    def text(self) -> str:
        """As the state of a Reading."""
        lines = [self.memo]
        if self.dropped:
            lines.append(f"dropped {self.dropped} {self.left_out}")
        lines += [f"{name} {rx} {tx} {resets}" for name, (rx, tx, resets) in self.seen.items()]
        return "\n".join(lines)


def read(world: World) -> str:
    """The text of `/proc/net/dev`. Raises NoData without it, SourceProblem when it can't be read."""
    return read_text(world.root, PATH)


def parse(text: str, chosen: Selection, where: str = PATH) -> dict[str, list[int]]:
    """Text to `{"eth0": [values in the order of SERIES]}` for the chosen interfaces. Raises SourceProblem."""
    lines = whole_lines(text, where)
    if len(lines) < 2 or lines[1].partition("|")[2].split()[:4] != _COLUMNS:
        raise SourceProblem("is not a table of interfaces", where=where)
    interfaces: dict[str, list[int]] = {}
    for number, line in enumerate(lines[2:], 3):
        # The last colon: the name of an alias may have one, numbers never do.
        name, colon, rest = line.rpartition(":")
        name = name.strip(" ")
        if not colon or not name:
            raise SourceProblem("has a line without an interface", where=f"{where}:{number}")
        if not chosen.takes(name):
            continue
        fields = rest.split()
        if len(fields) < _FIELDS:
            raise SourceProblem(f"{plain(name)} has {len(fields)} of {_FIELDS} fields", where=f"{where}:{number}")
        interfaces[name] = [
            unsigned(fields[field], where, number, f"{plain(name)} {series}") for series, field in SERIES
        ]
    return interfaces


def collect(world: World) -> Reading:
    """The eight counters of SERIES for each interface, tag `interface`.

    Over `max_interfaces` those already recorded come first, then the kernel's order; each reading left out
    counts in `network.interfaces_dropped_total`, and a warning names them when they change. A counter that
    went back is stored as it stands (rates take it for what it is, a restart), counts in
    `network.counter_resets_total` (tag `interface`) and is warned about. Both counters appear once they
    are above 0.

    Raises NoData when every interface is excluded."""
    memory = Memory.of(world.state)
    chosen = Selection(world.texts("include_ifaces"), world.texts("exclude_ifaces"), memory.memo)
    interfaces = parse(read(world), chosen, world.root + PATH)
    if not interfaces:
        raise NoData("every interface here is excluded")
    memory.memo = chosen.remember()
    kept, left_out = _capped(list(interfaces), memory, world.number("max_interfaces"))
    warnings = _note_left_out(memory, left_out)
    warnings += _note_resets(memory, {name: interfaces[name] for name in kept})
    samples: list[Sample] = []
    for name in kept:
        tags = {"interface": name}
        samples += [Sample(series, value, tags) for (series, _), value in zip(SERIES, interfaces[name])]
        resets = memory.seen[name][2]
        if resets:
            samples.append(Sample("network.counter_resets_total", resets, tags))
    if memory.dropped:
        samples.append(Sample("network.interfaces_dropped_total", memory.dropped))
    return Reading(samples, memory.text(), warnings)


def _number(word: str) -> int:
    return unsigned(word, "state", 0, "number")


def _capped(names: list[str], memory: Memory, most: int) -> tuple[list[str], list[str]]:
    """(kept in the order of the alphabet, left out)."""
    ranked = sorted(names, key=lambda name: name not in memory.seen)
    return sorted(ranked[:most]), ranked[most:]


def _note_left_out(memory: Memory, left_out: list[str]) -> list[str]:
    if not left_out:
        memory.left_out = ""
        return []
    memory.dropped += len(left_out)
    key = f"{crc32(' '.join(sorted(left_out)).encode('utf-8', 'backslashreplace')):08x}"
    if key == memory.left_out:
        return []
    memory.left_out = key
    named = ", ".join(map(plain, left_out[:8])) + (", …" if len(left_out) > 8 else "")
    return [f"more interfaces than max_interfaces, {len(left_out)} not recorded: {named}"]


def _note_resets(memory: Memory, kept: dict[str, list[int]]) -> list[str]:
    warnings = []
    now: dict[str, tuple[int, int, int]] = {}
    for name, values in kept.items():
        received, sent = values[0], values[1]
        before = memory.seen.pop(name, None)
        resets = before[2] if before else 0
        if before and (received < before[0] or sent < before[1]):
            resets += 1
            warnings.append(f"{plain(name)}: counters started again (was it unplugged?)")
        now[name] = (received, sent, resets)
    for name, counted in list(memory.seen.items())[:GONE]:
        now[name] = counted
    memory.seen = now
    return warnings
