"""From when until when, as a person writes it."""

from __future__ import annotations

import argparse
import re
import time
from datetime import datetime, timedelta, timezone

from ..config.duration import parse
from ..config.findings import Unfit, shown
from ..errors import UsageProblem

# The forms of ISO 8601 that all versions of datetime read alike; a time alone is one of the last 24 hours.
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{3})?)?"
_MOMENT = re.compile(rf"{_DATE}(?:[T ]{_TIME}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?")
_DAY = re.compile(rf"(today|yesterday)(?: ({_TIME}))?")
# As far back as there can be anything.
EVERYTHING = "1970-01-01"
FORMS = "write 90m, 14:00, today, yesterday, 'yesterday 14:00', 2026-11-20 or '2026-11-20 14:00'"


def add_options(parser: argparse.ArgumentParser, since: str) -> None:
    """`--since` and `--until`; `since` is what holds when the first is not given."""
    add_since(parser, since)
    parser.add_argument("--until", default="", metavar="WHEN", help="the end, spelled likewise; default now")


def add_since(parser: argparse.ArgumentParser, since: str) -> None:
    """`--since` alone."""
    help_since = (
        "how far back (90m, 2d), or from when on (14:00, yesterday, 2026-11-20, '2026-11-20 14:00', local time; default"
        f" {since})"
    )
    parser.add_argument("--since", default=since, metavar="WHEN", help=help_since)


def read(since: str, until: str, now_ms: int) -> tuple[int, int]:
    """The beginning and the end, which is not part of it, as Unix ms; what is stored at `now_ms` itself is still before
    an end that was not given. Raises UsageProblem."""
    begin_ms = moment(since, "--since", now_ms)
    end_ms = moment(until, "--until", now_ms) if until else max(now_ms, begin_ms) + 1
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
    """`2026-11-20 20:00:00 to 22:00:00 CET`"""
    begin, end = spelled(begin_ms), spelled(end_ms)
    day = len("2026-11-20 ")
    return f"{begin} to {end[day:] if begin[:day] == end[:day] else end} {zone(end_ms)}".rstrip()


def told(since: str, begin_ms: int, end_ms: int) -> str:
    """`in the last 2h`, where `since` was such a length of time and the end is now; else from when to when. For the end
    of a sentence."""
    try:
        parse(since)
    except Unfit:
        return f"from {between(begin_ms, end_ms)}"
    return f"in the last {since}"


def zone(at_ms: int) -> str:
    """What the box calls its time zone at that moment: `CET`."""
    try:
        return time.strftime("%Z", time.localtime(at_ms // 1000))
    except (ValueError, OverflowError, OSError):
        return ""


def moment(text: str, option: str, now_ms: int) -> int:
    """What a person wrote, as Unix ms. Raises UsageProblem, which names `option` and lists the forms."""
    if re.fullmatch(_TIME, text):
        at_ms = _calendar(f"{_date(now_ms)}T{text}", option)
        return at_ms if at_ms <= now_ms else _calendar(f"{_date(now_ms, 1)}T{text}", option)
    day = _DAY.fullmatch(text)
    if day:
        return _calendar(f"{_date(now_ms, int(day[1] == 'yesterday'))}T{day[2] or '00:00'}", option)
    if _MOMENT.fullmatch(text):
        return _calendar(text, option)
    try:
        return max(0, now_ms - parse(text))
    except Unfit as error:
        said = str(error) if text.isdecimal() else f"{shown(text)} is no time"
        raise UsageProblem(said, where=option, hint=FORMS) from error


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=timezone.utc).astimezone()


def _date(now_ms: int, days_before: int = 0) -> str:
    """Of the calendar: a day on which the clocks are changed has not 24 hours."""
    return (_local(now_ms).date() - timedelta(days=days_before)).isoformat()


def _calendar(text: str, option: str) -> int:
    text = re.sub(r"([T ])([0-9]:)", r"\g<1>0\2", text).replace("Z", "+00:00")
    try:
        return max(0, round(datetime.fromisoformat(text).timestamp() * 1000))
    except (ValueError, OverflowError, OSError) as error:
        raise UsageProblem(f"{text} is not in the calendar", where=option, hint=FORMS) from error
