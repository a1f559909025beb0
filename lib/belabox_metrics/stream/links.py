"""The links of the bond: the addresses that srtla_send sends from, and the interfaces that they belong to.

The addresses are in a file that belaUI writes, one IPv4 address a line (`/tmp/srtla_ips`). Which interface has an
address nothing below `/proc` tells outright; the routes to directly connected networks (`/proc/net/route`) do, and need
neither a socket nor a program. Only two interfaces in one network, as cable and WLAN of one router, can't be told
apart: each of its addresses is then given one of them, the first that whose route the kernel prefers.
"""

from __future__ import annotations

import sys

from ..errors import NoData, SourceProblem
from ..source import read_text, shown, whole_lines

ADDRESSES = "/tmp/srtla_ips"  # noqa: S108 - belaUI's name for it
ROUTES = "/proc/net/route"
# A bonded sender has a handful of links.
MOST = 32
_SMALL = 16 * 1024
_UP = 1
_GATEWAY = 2


class Route:
    """To the directly connected network whose addresses masked with `mask` are `network`."""

    __slots__ = ("interface", "mask", "metric", "network")

    def __init__(self, interface: str, network: int, mask: int, metric: int) -> None:
        self.interface = interface
        self.network = network
        self.mask = mask
        self.metric = metric


def addresses(root: str, path: str = ADDRESSES) -> list[str]:
    """The addresses in the order of the file, each once, MOST at most; what is no address is passed over.

    Raises NoData without the file, SourceProblem when it can't be read."""
    found: dict[str, None] = {}
    for line in read_text(root, path, _SMALL).split("\n"):
        if number(line.strip()) is not None:
            found[line.strip()] = None
    return list(found)[:MOST]


def routes(root: str) -> list[Route]:
    """The directly connected networks, the most specific first; of equal ones that which the kernel prefers.

    Raises NoData without the table, SourceProblem when it is none."""
    where = root + ROUTES
    header, *lines = whole_lines(read_text(root, ROUTES), where)
    if header.split()[:8] != ["Iface", "Destination", "Gateway", "Flags", "RefCnt", "Use", "Metric", "Mask"]:
        raise SourceProblem("is not a table of routes", where=where)
    found: list[Route] = []
    for row, line in enumerate(lines, 2):
        words = line.split()
        try:
            network, flags, metric, mask = _hex(words[1]), int(words[3], 16), int(words[6]), _hex(words[7])
        except (ValueError, IndexError):
            raise SourceProblem(f"{shown(line)} is not a route", where=f"{where}:{row}") from None
        if flags & _UP and not flags & _GATEWAY:
            found.append(Route(words[0], network, mask, metric))
    found.sort(key=lambda route: (-route.mask, route.metric))
    return found


def candidates(address: str, table: list[Route]) -> list[str]:
    """The interfaces that may have this address, the likeliest first; none when none is known to.

    One without a network of its own (a modem that is a mere point) is that of the only route to everywhere, if there
    is but one without a gateway."""
    wanted = number(address)
    if wanted is None:
        return []
    near = [route for route in table if route.mask and wanted & route.mask == route.network]
    everywhere = [route for route in table if not route.mask]
    if near:
        return [route.interface for route in near if route.mask == near[0].mask]
    return [everywhere[0].interface] if len(everywhere) == 1 else []


def interfaces(root: str, wanted: list[str]) -> dict[str, str]:
    """Address to interface, for those that have one now; empty where the routes can't be read.

    The bond has one address of an interface, so of two in one network each gets an interface of its own: which of
    them may be wrong, but not which carry the bond."""
    try:
        table = routes(root)
    except (NoData, SourceProblem):
        return {}
    found: dict[str, str] = {}
    for address in wanted:
        names = candidates(address, table)
        if names:
            found[address] = next((name for name in names if name not in found.values()), names[0])
    return found


def number(address: str) -> int | None:
    """An IPv4 address as one number, None when it is none."""
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdigit() and part.isascii() and len(part) < 4 for part in parts):
        return None
    value = 0
    for part in parts:
        if int(part) > 255:
            return None
        value = value << 8 | int(part)
    return value


def _hex(word: str) -> int:
    """The kernel prints the four bytes of an address as the number that this machine reads them as."""
    value = bytes.fromhex(word)
    if len(value) != 4:
        raise ValueError(word)
    return int.from_bytes(value[::-1] if sys.byteorder == "little" else value, "big")
