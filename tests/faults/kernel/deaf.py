"""A journald that hangs, until nothing more goes into its queue, and is killed by its own watchdog."""

from __future__ import annotations

import time

from ..outcome import Row
from . import books, slots
from .guest import Guest
from .slots import Span

# From so many senders, as a single one may not fill it.
_FILL = """
import socket
left, taken = [], 1
while taken:
    left.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    left[-1].connect("/run/systemd/journal/socket")
    left[-1].setblocking(False)
    taken = 0
    try:
        while left[-1].send(b"MESSAGE=others"):
            taken += 1
    except BlockingIOError:
        pass
"""
_JOURNALD = "systemd-journald.service"


def hangs(guest: Guest, hold_s: float) -> Row:
    """Its watchdog is its own, three minutes, but where that is too long to wait for."""
    pid = guest.sh(f"systemctl show --property MainPID --value {_JOURNALD}")
    guest.sh(f"kill -STOP {pid}")
    began = guest.uptime()
    guest.run("/usr/bin/python3", "-I", "-c", _FILL)
    time.sleep(hold_s)
    ended = guest.uptime()
    # As at the end of its watchdog, which it has not answered; or it comes to itself.
    guest.sh(f"kill -ABRT {pid}; kill -CONT {pid}")
    said = "it is at work again"
    guest.until(lambda: guest.sh(f"systemctl show --property MainPID --value {_JOURNALD}") not in (pid, "0"), said)
    back = time.monotonic()
    guest.wait_for_runs(2)
    took = time.monotonic() - back
    found = books.read(guest)
    left_out = found.left_out(slots.due(guest), Span(began, ended))
    wrong = books.damage(guest) + left_out.wrong()
    note = f"for {ended - began:.0f} s, its queue full: {left_out.number} runs left out"
    return Row("journald hangs, then its watchdog kills it", 1, len(found.missing(began)), 0, took, note, wrong)
