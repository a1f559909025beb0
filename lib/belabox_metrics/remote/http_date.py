"""The date forms of HTTP (RFC 9110, section 5.6.7), whatever the locale. All of them mean UTC."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
# The day of the week repeats what the date says already, so it is not compared with it.
_FORMS = tuple(
    re.compile(form)
    for form in (
        f"[A-Z][a-z]{{2}}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
        f"[A-Z][a-z]{{5,8}}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",
        f"[A-Z][a-z]{{2}} {_MONTH} (?P<day>[0-9 ][0-9]) {_TIME} (?P<year>[0-9]{{4}})",
    )
)


def parse(text: str, now_s: float) -> int | None:
    """Unix seconds; None for what is no date. Of the form with two digits for the year, `now_s` tells the century: what
    would be more than 50 years ahead has passed."""
    match = next(filter(None, (form.fullmatch(text.strip(" \t")) for form in _FORMS)), None)
    if match is None:
        return None
    year = int(match["year"])
    this_year = (_EPOCH + timedelta(seconds=now_s)).year
    if len(match["year"]) == 2:
        year += this_year - this_year % 100
        year -= 100 if year > this_year + 50 else 0
    # 60 is a leap second, which Unix time does not have.
    second = int(match["second"])
    leap = second == 60
    try:
        date = datetime(
            year,
            _MONTHS.index(match["month"]) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            second - leap,
            tzinfo=timezone.utc,
        )
    except ValueError:
        return None
    return (date - _EPOCH) // timedelta(seconds=1) + leap


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
