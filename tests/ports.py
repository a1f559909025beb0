"""Ports for programs that a test starts, which can't be told to take any."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as chooser:
        chooser.bind(("127.0.0.1", 0))
        return int(chooser.getsockname()[1])
