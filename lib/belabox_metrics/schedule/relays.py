"""What of the network a collector gets: none, until the configuration names a relay for it to ask."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Union
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ..config.configuration import Configuration

    Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

# The collectors with a setting `url`.
METRICS = ("srt.packet_loss", "srt.relay", "stream.links")
_DROP_IN = "belabox-metrics@{}.service.d/60-relay.conf"
DROP_INS = tuple(_DROP_IN.format(metric) for metric in METRICS)

_OPENED = """\
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
# Who reads what others send is shut in closer than who reads /proc alone.
ProtectKernelLogs=yes
ProtectKernelModules=yes
"""


def drop_ins(configuration: Configuration) -> dict[str, str]:
    """Path below the directory of units -> the lines of [Service], for each metric with a relay to ask."""
    found = {}
    for metric in configuration.metrics:
        url = metric.settings.get("url")
        if metric.name in METRICS and isinstance(url, str) and url:
            found[_DROP_IN.format(metric.name)] = _who(url) + _OPENED
    return found


def _who(url: str) -> str:
    address = _address(urlsplit(url).hostname or "")
    if address is None:
        return "# The relay has a name, and what addresses that has may change at any time.\nIPAddressDeny=\n"
    return f"# The relay, and nobody else.\nIPAddressAllow={address}\n"


def _address(host: str) -> Address | None:
    """What the kernel will compare with; None for a name."""
    try:
        # A zone (fe80::1%eth0) is for who connects; a packet has none.
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    # ::ffff:203.0.113.5 travels as IPv4.
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip
