"""Ports for programs that a test starts, which can't be told to take any."""

from __future__ import annotations

import socket

_KEPT: list[socket.socket] = []


def kept_port(host: str = "127.0.0.1") -> socket.socket:
    """Bound to a port of `host`, which goes to nobody else until this is closed; who names it, with SO_REUSEADDR as
    programs do, may listen there. Raises OSError where there is no such address."""
    keeper = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        keeper.bind((host, 0))
    except OSError:
        keeper.close()
        raise
    return keeper


def free_port() -> int:
    """A port of loopback that nobody listens on, and that goes to nobody else as long as this process lives."""
    _KEPT.append(kept_port())
    return int(_KEPT[-1].getsockname()[1])
