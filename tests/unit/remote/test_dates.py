"""Dates of HTTP and what Retry-After makes of them."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from belabox_metrics.remote import http_date
from belabox_metrics.remote.retry_after import retry_after

EXAMPLE = 784111777  # of RFC 9110
NOW = 1_763_700_000.0  # 21 November 2025


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE),
        ("Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE),
        ("Sun Nov  6 08:49:37 1994", EXAMPLE),
        ("  Sun, 06 Nov 1994 08:49:37 GMT\t", EXAMPLE),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 31 Dec 2024 23:59:60 GMT", 1_735_689_600),
        ("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        # The weekday only repeats what the date says.
        ("Mon, 06 Nov 1994 08:49:37 GMT", EXAMPLE),
        ("Saturday, 01-Jan-00 00:00:00 GMT", 946_684_800),
        ("Wednesday, 01-Jan-75 00:00:00 GMT", 3_313_526_400),
        ("Thursday, 01-Jan-76 00:00:00 GMT", 189_302_400),
    ],
)
def test_the_three_forms(text: str, seconds: int) -> None:
    assert http_date.parse(text, NOW) == seconds


@pytest.mark.parametrize("seconds", [0, 1, 951_782_400, 1_763_700_000, 4_102_444_799, 253_402_300_799])
def test_agrees_with_what_others_write(seconds: int) -> None:
    assert http_date.parse(formatdate(seconds, usegmt=True), NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "120",
        "now",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Wed, 30 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "So, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT" * 10_000,
        "1994-11-06T08:49:37Z",
    ],
)
def test_nonsense_is_no_date(text: str) -> None:
    assert http_date.parse(text, NOW) is None


SERVER = "Fri, 21 Nov 2025 04:40:00 GMT"  # NOW


@pytest.mark.parametrize(
    ("text", "date", "seconds"),
    [
        ("120", "", 120),
        (" 120 ", "", 120),
        ("0", "", 0),
        ("007", "", 7),
        ("3600", "", 3600),
        ("3601", "", 3600),
        ("9" * 9, "", 3600),
        ("9" * 1_000_000, "", 3600),
        ("Fri, 21 Nov 2025 04:42:00 GMT", "", 120),
        ("Friday, 21-Nov-25 04:42:00 GMT", "", 120),
        ("Fri Nov 21 04:42:00 2025", "", 120),
        # By the server's own clock, which may be another than ours.
        ("Fri, 21 Nov 2025 04:42:00 GMT", SERVER, 120),
        ("Sun, 06 Nov 1994 08:50:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 60),
        ("Fri, 21 Nov 2025 04:42:00 GMT", "nonsense", 120),
        ("Fri, 21 Nov 2025 04:30:00 GMT", SERVER, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", SERVER, 3600),
    ],
)
def test_how_long_to_wait(text: str, date: str, seconds: float) -> None:
    assert retry_after(text, date, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "+5", "1.5", "1e3", "0x10", "five", "120, 120", "12 0", "²", "١٢", "1_000", "nan", "\x00"],
)
def test_what_makes_no_sense_says_nothing(text: str) -> None:
    assert retry_after(text, SERVER, NOW) is None
