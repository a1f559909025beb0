"""`modem`: how each modem receives, whether it is connected, and how much went through it.

Modems that ModemManager knows are asked about with `mmcli` (`belabox_metrics/modem/mmcli.py`); sticks that are
routers of their own appear as what they are to the box, network cards on USB without a signal to tell of
(`interfaces.py`). A modem's name is a hash (`identity.py`): its IMEI does not leave the box, and is not stored either.
"""

from __future__ import annotations

from ..attributes import distinct
from ..errors import NoData, Problem
from ..modem import identity, interfaces, mmcli, series
from ..modem.memory import BEFORE, NOW, Memory
from ..sample import Sample
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..modem.memory import Known
    from ..modem.mmcli import Answer, Asker
    from ..world import Settings, World

METRIC = "modem"
PRIORITY = 2
SETTINGS: Settings = {}

# How long a modem that measures no signals is not asked for them, ms: its owner may switch that on.
SIGNAL_WAIT_MS = 600_000


class Found:
    """What one run gathers: `samples`, the modem's name by `interfaces`, `faults`: what went wrong with a part, and how
    many modems are `known`, None when ModemManager could not be asked."""

    __slots__ = ("faults", "interfaces", "known", "samples")

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.interfaces: dict[str, str] = {}
        self.faults: list[Problem] = []
        self.known: int | None = None

    def of(self, known: Known, name: str) -> None:
        """Where a modem that can't be asked was when it last could be."""
        for interface in known.names():
            self.interfaces.setdefault(interface, name)


def collect(world: World) -> Reading:
    """`modem.count`, and for each modem (tag `modem`) what `series.of` and `series.signals` list and
    `modem.reconnects_total`; for each other network interface on USB `modem.info`; for the interface of each
    (tag `interface`) `modem.rx_bytes_total` and `modem.tx_bytes_total`, which go on after it was plugged in again.

    Of several modems one may fail; that is warned about when it changes. Raises NoData when there is neither
    ModemManager nor an interface on USB; what ModemManager failed with when there is nothing else to tell."""
    memory = Memory(world.state, world.elapsed_ms or 0)
    found = Found()
    absent = ""
    try:
        _ask_all(mmcli.Asker(world.root), world.root, memory, found)
    except NoData as reason:
        absent = str(reason)
        found.known = 0
    except Problem as fault:
        found.faults.append(fault)
        # What can't be asked about now is most likely where it was.
        for name, known in memory.modems.items():
            if known.connected != BEFORE:
                found.of(known, name)
    sticks = _sticks(world.root, found)
    if absent and not sticks:
        raise NoData(f"{absent}, and no network interface is on USB")
    _count_bytes(world.root, memory, found, sticks)
    if found.known is not None:
        found.samples.insert(0, Sample("modem.count", found.known + len(sticks)))
    if found.faults and not found.samples:
        raise found.faults[0]
    missing = str(found.faults[0]) if found.faults else ""
    warnings = [missing] if missing and missing != memory.missing else []
    memory.missing = missing
    return Reading(found.samples, memory.text(len(found.interfaces) + len(sticks)), warnings)


def _ask_all(asker: Asker, root: str, memory: Memory, found: Found) -> None:
    numbers = asker.modems()
    found.known = len(numbers)
    named: set[str] = set()
    lost = False
    for number in numbers:
        try:
            modem = asker.modem(number)
        except NoData:  # gone since it was listed
            found.known -= 1
            continue
        except Problem as fault:
            found.faults.append(fault)
            lost = True
            continue
        name = _name(root, modem, number, named)
        named.add(name)
        _one(asker, number, modem, name, memory, found)
    for name, known in memory.modems.items():
        if name in named:
            continue
        if lost:  # it may be the one that could not be asked
            found.of(known, name)
        elif known.connected == NOW:
            known.connected = BEFORE


def _one(asker: Asker, number: str, modem: Answer, name: str, memory: Memory, found: Found) -> None:
    tags = {"modem": name}
    known = memory.modem(name)
    known.interfaces = ",".join(series.interfaces(modem))
    known.seen(series.connected(modem), series.bearers(modem))
    found.samples += series.of(modem, tags)
    found.samples.append(Sample("modem.reconnects_total", known.reconnects, tags))
    for interface in known.names():
        found.interfaces[interface] = name
    if known.not_ask:
        return
    try:
        signal = asker.signal(number)
    except NoData:
        return
    except Problem as fault:
        found.faults.append(fault)
        return
    if series.measured(signal):
        found.samples += series.signals(signal, tags)
    else:
        known.not_ask = SIGNAL_WAIT_MS


def _name(root: str, modem: Answer, number: str, taken: set[str]) -> str:
    """Without anything to hash it is the interface; a second modem with the same IMEI, which there should not be, is
    numbered."""
    name = identity.hashed(root, mmcli.text(modem, "generic", "equipment-identifier"))
    return distinct(name or series.interface(modem) or f"modem{number}", taken)


def _sticks(root: str, found: Found) -> dict[str, str]:
    """Interface -> driver of those on USB that belong to no modem; each into the samples as what it is."""
    sticks = {name: driver for name, driver in interfaces.on_usb(root).items() if name not in found.interfaces}
    for name, driver in sticks.items():
        found.samples.append(Sample("modem.info", 1, {"interface": name, "kind": "usb_network", "driver": driver}))
    return sticks


def _count_bytes(root: str, memory: Memory, found: Found, sticks: dict[str, str]) -> None:
    for interface, name in [*found.interfaces.items(), *[(stick, "") for stick in sticks]]:
        try:
            usage = interfaces.usage(root, interface)
        except Problem as fault:
            found.faults.append(fault)
            continue
        if usage is None:
            continue
        received, sent = memory.count(interface, name, usage).totals()
        tags = {"interface": interface, "modem": name} if name else {"interface": interface}
        found.samples.append(Sample("modem.rx_bytes_total", received, tags))
        found.samples.append(Sample("modem.tx_bytes_total", sent, tags))
