"""Network interfaces on USB, by what the kernel says of them in `/sys/class/net` (sysfs-class-net).

A HiLink stick is a router with a modem of its own behind it: to the box it is a network card on USB (`cdc_ether`,
`rndis_host`, `cdc_ncm`), as is a telephone that shares its connection. ModemManager does not know it, and how well it
receives stands only on its own web page.
"""

from __future__ import annotations

from ..errors import NoData, SourceProblem
from ..source import list_dir, read_text, unsigned

PATH = "/sys/class/net"
# What modems, sticks and telephones are driven by. Ethernet adapters have drivers named after their chips.
DRIVERS = ("cdc_ether", "cdc_mbim", "cdc_ncm", "huawei_cdc_ncm", "ipheth", "qmi_wwan", "rndis_host", "sierra_net")
MOST = 16


class Usage:
    """The kernel's counters of one interface since it was created: `received` and `sent` bytes. `index` is another one
    after it was plugged in again."""

    __slots__ = ("index", "received", "sent")

    def __init__(self, index: int, received: int, sent: int) -> None:
        self.index = index
        self.received = received
        self.sent = sent


def on_usb(root: str) -> dict[str, str]:
    """Interface -> driver, for those with one of DRIVERS; at most MOST."""
    try:
        names = list_dir(root, PATH)
    except (NoData, SourceProblem):
        return {}
    found: dict[str, str] = {}
    for name in sorted(names):
        try:
            # A file of lines KEY=value; an interface of no device has none.
            lines = read_text(root, f"{PATH}/{name}/device/uevent", 4096).split("\n")
        except (NoData, SourceProblem):
            continue
        driver = next((line[len("DRIVER=") :] for line in lines if line.startswith("DRIVER=")), "")
        if driver in DRIVERS and len(found) < MOST:
            found[name] = driver
    return found


def usage(root: str, name: str) -> Usage | None:
    """None when there is no such interface (any more). Raises SourceProblem when a counter is no number."""
    values = []
    for file in ("ifindex", "statistics/rx_bytes", "statistics/tx_bytes"):
        path = f"{PATH}/{name}/{file}"
        try:
            values.append(unsigned(read_text(root, path, 4096).strip(), root + path, 1, file))
        except NoData:
            return None
    return Usage(*values)
