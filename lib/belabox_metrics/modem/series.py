"""From what mmcli tells of one modem to samples."""

from __future__ import annotations

from ..sample import Sample
from . import mmcli

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .mmcli import Answer

# (mmcli's name, series, lowest and highest value that can be; modems do say -32768 for "not measured")
SIGNALS = (
    ("rssi", "modem.rssi_dbm", -150, 0),
    ("rscp", "modem.rscp_dbm", -150, 0),
    ("rsrp", "modem.rsrp_dbm", -160, 0),
    ("rsrq", "modem.rsrq_db", -50, 50),
    ("snr", "modem.snr_db", -50, 60),
    ("sinr", "modem.snr_db", -50, 60),
    ("ecio", "modem.ecio_db", -60, 10),
)
TECHNOLOGIES = ("5g", "lte", "umts", "evdo", "cdma1x", "gsm")
# What ModemManager calls the technologies in use -> one of the above, the best first: a phone's display shows this one.
ACCESS = (
    ("5gnr", "5g"),
    ("lte", "lte"),
    *((name, "umts") for name in ("hspa-plus", "hspa", "hsdpa", "hsupa", "umts")),
    ("evdo", "evdo"),
    ("1xrtt", "cdma1x"),
    *((name, "gsm") for name in ("edge", "gprs", "gsm")),
)
_TEXTS = (
    ("modem.state", ("generic", "state")),
    ("modem.failure", ("generic", "state-failed-reason")),
    ("modem.operator", ("3gpp", "operator-name")),
    ("modem.registration", ("3gpp", "registration-state")),
)
_NAME_LENGTH = 15  # of an interface, in the kernel
_MOST_INTERFACES = 4


def interfaces(modem: Answer) -> list[str]:
    """The names of its network interfaces, `["wwan0"]`: `ports` has `wwan0 (net)`. Some modems have two."""
    found = []
    for port in mmcli.texts(modem, "generic", "ports"):
        name, _, kind = port.partition(" ")
        plain = name.replace("-", "").replace("_", "").replace(".", "")
        if kind == "(net)" and plain.isalnum() and name.isascii() and len(name) <= _NAME_LENGTH:
            found.append(name)
    return found[:_MOST_INTERFACES]


def interface(modem: Answer) -> str:
    """The first of them, "" for none."""
    return next(iter(interfaces(modem)), "")


def bearers(modem: Answer) -> list[str]:
    """The numbers of its connections, `["0"]`."""
    numbers = [path.rpartition("/")[2] for path in mmcli.texts(modem, "generic", "bearers")]
    return [number for number in numbers if number.isdigit() and number.isascii()][:8]


def connected(modem: Answer) -> bool:
    """Whether it has a connection."""
    return mmcli.text(modem, "generic", "state") == "connected"


def of(modem: Answer, tags: dict[str, str]) -> list[Sample]:
    """All of a modem but its signals and what takes memory.

    Of texts only those with few possible values become labels: the best technology in use, the operator's number (five
    or six digits that a country hands out), the modem's model. Names, which a network broadcasts as it likes, are
    values, and stay on the box."""
    state = mmcli.text(modem, "3gpp", "registration-state")
    registered = state in ("home", "roaming")
    found = [
        Sample("modem.info", 1, {**tags, "kind": "modem", **_labels(modem)}),
        Sample("modem.connected", int(connected(modem))),
        Sample("modem.registered", int(registered)),
    ]
    if registered:
        found.append(Sample("modem.roaming", int(state == "roaming")))
    quality = mmcli.decimal(mmcli.text(modem, "generic", "signal-quality", "value"))
    # Not recent is from before it lost the network.
    recent = mmcli.text(modem, "generic", "signal-quality", "recent") == "yes"
    if recent and registered and quality is not None and 0 <= quality <= 100:
        found.append(Sample("modem.signal_quality_percent", quality))
    for series, keys in _TEXTS:
        said = mmcli.text(modem, *keys)
        if said:
            found.append(Sample(series, said))
    access = ",".join(mmcli.texts(modem, "generic", "access-technologies"))[: mmcli.LONGEST_TEXT]
    if access:
        found.append(Sample("modem.access_technology", access))
    return [sample if sample.tags else Sample(sample.name, sample.value, tags) for sample in found]


def signals(signal: Answer, tags: dict[str, str]) -> list[Sample]:
    """The series of SIGNALS for each of TECHNOLOGIES that is measured, tag `technology`."""
    found: list[Sample] = []
    for technology in TECHNOLOGIES:
        for key, series, lowest, highest in SIGNALS:
            value = mmcli.decimal(mmcli.text(signal, technology, key))
            if value is not None and lowest <= value <= highest:
                found.append(Sample(series, value, {**tags, "technology": technology}))
    return found


def measured(signal: Answer) -> bool:
    """Whether somebody has switched the measuring of signals on."""
    return mmcli.text(signal, "refresh", "rate") not in ("", "0")


def _labels(modem: Answer) -> dict[str, str]:
    labels = {"model": mmcli.text(modem, "generic", "model")}
    used = mmcli.texts(modem, "generic", "access-technologies")
    labels["technology"] = next((name for start, name in ACCESS if any(one.startswith(start) for one in used)), "")
    number = mmcli.text(modem, "3gpp", "operator-code")
    labels["operator"] = number if number.isdigit() and number.isascii() and len(number) in (5, 6) else ""
    labels["interface"] = interface(modem)
    return {key: value for key, value in labels.items() if value}
