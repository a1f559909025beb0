"""How long a server asks to be left alone (RFC 9110, section 10.2.3)."""

from __future__ import annotations

# A server that says a year is broken or means somebody else; it is asked again.
LONGEST_S = 3600.0


def retry_after(text: str, date: str, now_s: float) -> float | None:
    """Seconds from now, 0 to LONGEST_S; None when `text`, of the header Retry-After, says nothing that makes sense.

    It may name a time. That is by the server's clock, so it is compared with the answer's own Date, `date`; with
    `now_s` (Unix seconds) only when there is none."""
    text = text.strip(" \t")
    if text.isascii() and text.isdigit():
        # The length first: a number of a million digits is a way to keep a processor busy.
        return min(float(text[:9]), LONGEST_S) if len(text) <= 9 else LONGEST_S
    if not text:
        return None
    from . import http_date  # hardly any server sends one

    until = http_date.parse(text, now_s)
    if until is None:
        return None
    server_s = http_date.parse(date, now_s)
    left = until - (now_s if server_s is None else server_s)
    return min(max(left, 0.0), LONGEST_S)
