"""What verify tells: a table for a person, or one JSON object for a program."""

from __future__ import annotations

import json
import time

from .hours import total

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .inspection import Inspection
    from .repair import Repaired

SERIES_SHOWN = 12
_COLUMNS = (
    ("stored", "STORED"),
    ("sent", "SENT"),
    ("on_server", "ON THE SERVER"),
    ("missing", "MISSING"),
    ("twice", "TWICE"),
    ("different", "DIFFERENT"),
    ("waiting", "NOT YET SENT"),
)


def table(found: Inspection, when: str, endpoint: str, repaired: Repaired | None) -> list[str]:
    """Lines: each hour, the sum, the series that miss something, and what it means. `when` as period.told says."""
    if not found.hours:
        return [f"nothing was stored {when}"]
    sums = total(found.hours)
    rows = [("HOUR", *(title for _, title in _COLUMNS), "")]
    for hour in found.hours:
        counts = hour.counts()
        stamp = time.strftime("%Y-%m-%d %H:%M", time.localtime(hour.begin_ms / 1000))
        note = "perhaps beyond the server's retention" if hour.beyond else ""
        rows.append((stamp, *(str(counts[name]) for name, _ in _COLUMNS), note))
    rows.append(("all", *(str(sums[name]) for name, _ in _COLUMNS), ""))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(row[at].rjust(widths[at]) for at in range(1, len(row) - 1)), row[-1]])
        for row in rows
    ]
    return [line.rstrip() for line in [*lines, "", *_series(found), *_words(found, sums, endpoint, repaired)]]


def document(found: Inspection, since_ms: int, device_id: str, endpoint: str, repaired: Repaired | None) -> str:
    """The same as one object; times are Unix ms."""
    series = _worst(found)
    queued = repaired and {"runs": repaired.runs, "samples": repaired.samples, "left": repaired.left}
    return json.dumps(
        {
            "device_id": device_id,
            "endpoint": endpoint,
            "since_ms": since_ms,
            "total": total(found.hours),
            "hours": [{"begin_ms": hour.begin_ms, "beyond": hour.beyond, **hour.counts()} for hour in found.hours],
            "series": [{"series": name, "missing": count} for name, count in series[:SERIES_SHOWN]],
            "more_series": len(series[SERIES_SHOWN:]),
            "queued": queued,
        }
    )


def _worst(found: Inspection) -> list[tuple[str, int]]:
    return sorted(found.missing.items(), key=lambda pair: (-pair[1], pair[0]))


def _series(found: Inspection) -> list[str]:
    series = _worst(found)
    if not series:
        return []
    width = max(len(str(count)) for _, count in series)
    lines = [f"missing {str(count).rjust(width)}  {name}" for name, count in series[:SERIES_SHOWN]]
    more = len(series) - SERIES_SHOWN
    return [*lines, *([f"and {more} more"] if more > 0 else []), ""]


def _words(found: Inspection, sums: dict[str, int], endpoint: str, repaired: Repaired | None) -> list[str]:
    lines = []
    if sums["missing"] or sums["different"]:
        lines.append(f"{sums['missing']} of {sums['sent']} samples that were sent are missing on {endpoint}")
    else:
        lines.append(f"nothing is missing: all {sums['sent']} samples that were sent are on {endpoint}")
    beyond = sum(hour.missing for hour in found.hours if hour.beyond)
    if beyond:
        lines.append(f"{beyond} of them are older than all that the server has: perhaps beyond its retention")
    if sums["different"]:
        lines.append(f"{sums['different']} have another value there: who else writes as this device?")
    if sums["twice"]:
        lines.append(f"{sums['twice']} are there twice: harmless, see docs/verify.md")
    if sums["set_aside"]:
        lines.append(f"{sums['set_aside']} were set aside, no server takes them")
    if repaired is not None:
        lines += _queued(found, repaired)
    elif found.gaps.found:
        lines.append("belabox-metrics verify --repair queues what is missing")
    return lines


def _queued(found: Inspection, repaired: Repaired) -> list[str]:
    lines = []
    if repaired.runs:
        lines.append(
            f"{repaired.samples} samples of {repaired.runs} runs are queued: sent with the next upload,"
            " belabox-metrics upload does it now"
        )
    elif not found.gaps.found:
        lines.append("there is nothing to queue")
    if repaired.left:
        lines.append(f"{repaired.left} runs were queued or removed by somebody else meanwhile")
    if found.gaps.more:
        lines.append("more is missing than one repair queues: once that has arrived, verify --repair again")
    return lines
