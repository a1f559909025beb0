"""What the command line asks of the receiver."""

from __future__ import annotations

import argparse

from ..errors import Problem, UsageProblem
from .screen import NORMAL, QUIET, VERBOSE
from .trouble import WAYS, Trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

PORT = 9090
TIMEOUT_S = 30.0
LONGEST_S = 3600.0
TOKEN_LIMIT = 4096

DESCRIPTION = """Receive uploads, say what is in them and what is wrong with them, keep nothing.

POST /api/v1/metrics, /api/metrics   the JSON document
POST /api/v1/import                  lines for VictoriaMetrics
GET  /api/v1/checkpoint?device_id=   the newest timestamp taken of a device
GET  /health, /                      is it there; what has come so far"""
END = """HOW is
  300 to 599   this HTTP status; nothing is taken
  page         200 and a web page, as a hotel's log-in sends it; nothing is taken
  drop         taken, but there is no answer
  truncate     taken, but there is half an answer

Exit codes: 0 all that came was right, 1 something was wrong or it can't listen, 2 usage."""


class Settings:
    """What `parser()` has understood. Raises UsageProblem for what does not go together, Problem for a bad token."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.listen: str = options.listen
        self.port: int = options.port
        self.volume = QUIET if options.quiet else VERBOSE if options.verbose else NORMAL
        self.json: bool = options.json
        self.lenient: bool = options.lenient
        self.checkpoint: int | None = options.checkpoint
        self.count: int = options.count
        self.delay_s: float = options.delay
        self.timeout_s: float = options.timeout
        self.retry_after: str = options.retry_after
        if not options.fail and (options.fail_every or options.fail_rate is not None or options.retry_after):
            raise UsageProblem("fails in no way", hint="say how, as in --fail 503")
        self.trouble = Trouble(options.fail or "", options.fail_every, options.fail_rate)
        self.token = _token(options.token) if options.token else b""


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="belabox-metrics receiver",
        description=DESCRIPTION,
        epilog=END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = found.add_argument
    add("--port", type=_whole(0, 65535), default=PORT, help=f"0: any that is free (default {PORT})")
    add("--listen", default="127.0.0.1", metavar="ADDRESS", help="default 127.0.0.1; 0.0.0.0 for other machines")
    add("--token", metavar="FILE", help="refuse uploads without Authorization: Bearer and the token in FILE")
    add("--count", type=_whole(1, 10**9), default=0, metavar="N", help="leave after N uploads")
    add("--timeout", type=_some_seconds, default=TIMEOUT_S, metavar="S", help="for a request to arrive (default 30)")
    volume = found.add_mutually_exclusive_group()
    volume.add_argument("--quiet", action="store_true", help="tell only what is wrong")
    volume.add_argument("--verbose", action="store_true", help="tell each series as well")
    add("--json", action="store_true", help="one JSON object a line")
    wrong = found.add_argument_group("be a bad server")
    add = wrong.add_argument
    add("--fail", type=_way, metavar="HOW", help="see below")
    often = wrong.add_mutually_exclusive_group()
    often.add_argument("--fail-every", type=_whole(1, 10**9), default=0, metavar="N", help="each Nth upload only")
    often.add_argument("--fail-rate", type=_percent, metavar="PERCENT", help="so many of a hundred, by chance")
    add("--retry-after", type=_header, default="", metavar="VALUE", help="a Retry-After with each failure")
    add("--delay", type=_seconds, default=0.0, metavar="S", help="wait before each answer")
    add("--lenient", action="store_true", help="accept what is wrong and drop it, as VictoriaMetrics does")
    add("--checkpoint", type=_whole(0, 2**63 - 1), metavar="MS", help="tell this checkpoint whatever came")
    return found


def _token(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            token = file.read(TOKEN_LIMIT + 1).strip()
    except OSError as error:
        raise Problem(f"cannot read the token: {error.strerror}", where=path) from error
    if not token or len(token) > TOKEN_LIMIT or len(token.split()) > 1:
        raise Problem("holds no token", where=path, hint=f"one word of at most {TOKEN_LIMIT} bytes")
    return token


def _whole(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} to {most}")
        return int(text)

    return number


def _seconds(text: str) -> float:
    return _decimal(text, LONGEST_S, "seconds")


def _some_seconds(text: str) -> float:
    if not _seconds(text):
        raise argparse.ArgumentTypeError("nothing arrives in no time")
    return float(text)


def _percent(text: str) -> float:
    return _decimal(text, 100, "percent")


def _decimal(text: str, most: float, what: str) -> float:
    plain = text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 20
    if not plain or float(text) > most:
        raise argparse.ArgumentTypeError(f"{text} is no number of {what} up to {most:g}")
    return float(text)


def _way(text: str) -> str:
    if text in WAYS or (len(text) == 3 and text.isascii() and text.isdigit() and 300 <= int(text) <= 599):
        return text
    raise argparse.ArgumentTypeError(f"{text} is no status from 300 to 599 and none of {', '.join(WAYS)}")


def _header(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    raise argparse.ArgumentTypeError("no header can have these characters")
