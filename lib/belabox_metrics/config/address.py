"""Addresses: of a server to talk to, and of a socket to listen on."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from .findings import Unfit, shown

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

    No host is `[::]`: every address of the box."""
    match = re.fullmatch(r"(?:(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]*)):)?([0-9]{1,5})", text)
    if match is None:
        raise Unfit(f"{shown(text)} is not ADDRESS:PORT", "write 127.0.0.1:9100, or [::1]:9100")
    if not 1 <= int(match[3]) <= 65535:
        raise Unfit(f"has port {match[3]}, not 1 to 65535")
    return joined(match[1] or match[2] or "::", int(match[3]))


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
