"""From when until when, as a person writes it."""

from __future__ import annotations

import argparse
import re
import time
from datetime import datetime

from ..config.duration import parse
from ..config.findings import Unfit
from ..errors import UsageProblem

# The forms of ISO 8601 that all versions of datetime read alike; a time alone is one of the last 24 hours.
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{3})?)?"
_MOMENT = re.compile(rf"{_DATE}(?:[T ]{_TIME}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?")
_DAY_MS = 86_400_000
FORMS = "write 30m, 20:00 or 2026-11-20T20:00"


def add_options(parser: argparse.ArgumentParser, since: str) -> None:
    """`--since` and `--until`; `since` is what holds when the first is not given."""
    help_since = f"how far back (30m, 2d), or from when on (20:00, 2026-11-20T20:00, local time; default {since})"
    parser.add_argument("--since", default=since, metavar="WHEN", help=help_since)
    parser.add_argument("--until", default="", metavar="WHEN", help="the end, spelled likewise; default now")


def read(since: str, until: str, now_ms: int) -> tuple[int, int]:
    """The beginning and the end, which is not part of it, as Unix ms; what is stored at `now_ms` itself is still before
    an end that was not given. Raises UsageProblem."""
    begin_ms = _moment(since, "--since", now_ms)
    end_ms = _moment(until, "--until", now_ms) if until else max(now_ms, begin_ms) + 1
    if end_ms <= begin_ms:
        raise UsageProblem("ends before it begins", where="--until", hint=f"it begins {spelled(begin_ms)}")
    return begin_ms, end_ms


def spelled(at_ms: int) -> str:
    """`2026-11-20 20:00:12`, local time. A time that the calendar has no date for is given as ms."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms // 1000))
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"


def between(begin_ms: int, end_ms: int) -> str:
    """`2026-11-20 20:00:00 to 22:00:00`"""
    begin, end = spelled(begin_ms), spelled(end_ms)
    day = len("2026-11-20 ")
    return f"{begin} to {end[day:] if begin[:day] == end[:day] else end}"


def _moment(text: str, option: str, now_ms: int) -> int:
    if re.fullmatch(_TIME, text):
        today = spelled(now_ms).partition(" ")[0]
        at_ms = _calendar(f"{today}T{text}", option)
        return at_ms if at_ms <= now_ms else at_ms - _DAY_MS
    if _MOMENT.fullmatch(text):
        return _calendar(text, option)
    try:
        return max(0, now_ms - parse(text))
    except Unfit as error:
        raise UsageProblem(str(error), where=option, hint=FORMS) from error


def _calendar(text: str, option: str) -> int:
    text = re.sub(r"([T ])([0-9]:)", r"\g<1>0\2", text).replace("Z", "+00:00")
    try:
        return max(0, round(datetime.fromisoformat(text).timestamp() * 1000))
    except (ValueError, OverflowError, OSError) as error:
        raise UsageProblem(f"{text} is not in the calendar", where=option, hint=FORMS) from error
