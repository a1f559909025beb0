"""Addresses: of a server to talk to, and of a socket to listen on."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from .findings import Unfit, shown

# RFC 1918, RFC 3927, RFC 4193 and RFC 4291: what no stranger has an address in.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")

_URL_LIMIT = 2048


def url(text: str) -> str:
    """`http[s]://HOST[:PORT][/PATH][?QUERY]` as it stands, "" for none. Raises Unfit.

    The reason never shows the URL: a query can be as secret as a password."""
    if not text:
        return text
    if not text.startswith(("http://", "https://")):
        raise Unfit("does not begin with http:// or https://")
    # What comes out of here becomes a request line; a line break in it would be a second header.
    if not all("!" <= char <= "~" for char in text) or len(text) > _URL_LIMIT:
        raise Unfit("is no URL: it has a space, a character that is not ASCII, or is too long")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as fault:
        raise Unfit(f"is no URL: {_without_quotes(fault)}") from None
    if "@" in parts.netloc:
        raise Unfit("has a user or password in it", "a secret does not belong in this file")
    if not parts.hostname or port == 0:
        raise Unfit("has no host" if not parts.hostname else "has port 0")
    return text


def listen(text: str) -> str:
    """`9100`, `:9100`, `127.0.0.1:9100`, `[::1]:9100` -> `HOST:PORT`. Raises Unfit.

    A colon without a host is `[::]`, every address of the box. A mere port says nothing of other boxes, so it is of
    this one."""
    match = re.fullmatch(r"(?:(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]*))(:))?([0-9]{1,5})", text)
    if match is None:
        raise Unfit(f"{shown(text)} is not ADDRESS:PORT", "write 127.0.0.1:9100, or [::1]:9100")
    if not 1 <= int(match[4]) <= 65535:
        raise Unfit(f"has port {match[4]}, not 1 to 65535")
    return joined(match[1] or match[2] or ("::" if match[3] else "127.0.0.1"), int(match[4]))


def network(text: str) -> str:
    """`192.168.1.0/24`, `fd00::/8`, `10.0.0.7` -> with its length. Raises Unfit, also for one that strangers are in."""
    try:
        # A zone, `fe80::1%eth0`, is none of systemd's.
        found = ipaddress.ip_network(text.replace("%", " "))
    except ValueError:
        raise Unfit(f"{shown(text)} is not a network", "write 192.168.1.0/24") from None
    if not any(found.version == own.version and found.subnet_of(own) for own in _OWN):  # type: ignore[arg-type]
        raise Unfit(f"{shown(text)} is not private", "strangers need a token: health.token_file")
    return str(found)


# Beside private ones what a carrier or a VPN such as Tailscale hands out (RFC 6598): who names it, means it.
_OWN = [ipaddress.ip_network(text) for text in (*PRIVATE, "127.0.0.0/8", "::1/128", "100.64.0.0/10")]


def joined(host: str, port: int) -> str:
    """`::1`, 9100 -> `[::1]:9100`. Raises Unfit when `host` is no IP address."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        raise Unfit(f"{shown(host)} is not an IP address", "write 127.0.0.1:9100, or [::1]:9100") from None
    return f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"


def split(place: str) -> tuple[str, int]:
    """`[::1]:9100` -> `::1`, 9100; of what listen() returned."""
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)


def _without_quotes(fault: ValueError) -> str:
    # urlsplit repeats the offending part in quotes.
    return re.sub(r"'.*'|\".*\"", "...", str(fault))
