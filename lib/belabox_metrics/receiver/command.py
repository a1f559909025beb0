"""The command `receiver`: a server for trying uploads out."""

from __future__ import annotations

import os
import signal
import sys

from ..errors import Problem
from .screen import Screen
from .server import Server
from .settings import Settings, parser

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    """Receive until Ctrl-C, SIGTERM, or as many uploads as asked for; 1 when something that came was wrong."""
    options = parser().parse_args(arguments)
    try:
        return receive(Settings(options))
    except Problem as failed:
        print(f"belabox-metrics receiver: {failed}", file=sys.stderr)
        return failed.exit_code


def receive(settings: Settings) -> int:
    """Raises Problem when it can't listen."""
    screen = Screen(settings.volume, settings.json, _end)
    server = Server(settings, screen, _end)
    # Blocked in all threads, as the ones to come inherit it, and waited for in this one: no handler, no race.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    server.start()
    screen.begin(server.url)
    signal.sigwait(ENDS)
    # Whoever asks a second time does not want to wait.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    server.leave()
    with server.desk.lock:
        screen.end(server.desk.ledger)
        return 1 if server.desk.ledger.wrong else 0


def _end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
