"""The figures as a person reads them."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

# Of a cut before the machine had told what the one before has left: both are in the row of that one.
BOOTING = "booting"


def line(row: dict[str, Any]) -> str:
    """One cut, or one look."""
    cache = row["cache"]
    text = f"{row['kind']}, after {row['up_s']} s: "
    if row["kind"] != BOOTING:
        text += f"{row['lost']} of {row['said']} runs lost ({row['window_s']:.1f} s), "
        text += f"{row['unsent']} samples to be sent again ({row['unsent_s']:.1f} s); "
    text += f"cache {cache['kept']} kept, {cache['lost']} lost, {cache['torn']} torn"
    if row.get("collecting_s") is not None:
        text += f"; had begun to collect after {row['collecting_s']} s, {row['due']} metrics were due"
    if row.get("sent_s") is not None:
        text += f"; had sent after {row['sent_s']} s"
    complaints = "".join(f"; said {count} times: {what}" for what, count in row.get("complaints", {}).items())
    return text + complaints + "".join(f"; FAULT: {fault}" for fault in row["faults"])


def brief(result: dict[str, Any]) -> dict[str, Any]:
    """What is kept: each cut and each look is a line."""
    machines = [
        one | {"cuts": [line(row) for row in one["cuts"]], "looks": [line(row) for row in one["looks"]]}
        for one in result["machines"]
    ]
    return result | {"machines": machines}


def faults(one: dict[str, Any]) -> list[str]:
    """All of a machine."""
    return [*one["faults"], *(fault for row in [*one["cuts"], *one["looks"]] for fault in row["faults"])]


def summary(played: list[dict[str, Any]]) -> dict[str, Any]:
    """Of all machines together."""
    rows = [row for one in played for row in one["cuts"]]
    lost = [row["window_s"] for row in rows if row["lost"]]
    again = [row["unsent_s"] for row in rows if row["unsent"]]
    back = [row["collecting_s"] for row in rows if row["collecting_s"] is not None]
    sessions: Counter[str] = Counter()
    for one in played:
        sessions.update(one["sessions"])
    sent = [row["sent_s"] for row in rows if row["sent_s"] is not None]
    return {
        "cuts": len(rows),
        "kinds": {kind: _kind([row for row in rows if row["kind"] == kind]) for kind in {row["kind"] for row in rows}},
        "seconds": round(sum(row["up_s"] for row in rows)),
        "blocks lost, torn": [sum(row["cache"][kind] for row in rows) for kind in ("lost", "torn")],
        "cuts whose cache had something, lost or tore some of it": [
            sum(any(row["cache"].values()) for row in rows),
            sum(row["cache"]["lost"] + row["cache"]["torn"] > 0 for row in rows),
        ],
        "runs said, lost": [sum(row[kind] for row in rows) for kind in ("said", "lost")],
        "oldest lost, s, median and worst": [_median(lost), _worst(lost)],
        "cuts that lost nothing": sum(not row["lost"] for row in rows),
        "samples sent again": sum(row["unsent"] for row in rows),
        "oldest sent again, s, median and worst": [_median(again), _worst(again)],
        "collecting again, s, median and worst": [_median(back), _worst(back)],
        "sending again, s, median and worst": [_median(sent), _worst(sent)],
        "boots that had to have collected, metrics in all, boots that had to have sent": [
            sum(row["due"] > 0 for row in rows),
            sum(row["due"] for row in rows),
            sum(row["upload_due"] for row in rows),
        ],
        "samples on the box, on the server": [
            sum(one["reckoning"][kind] for one in played) for kind in ("stored", "exported")
        ],
        "missing on the server": sum(one["reckoning"]["missing"] for one in played),
        "on the server alone": sum(one["reckoning"]["lost_on_server"] for one in played),
        "copies beyond the first": sum(one["reckoning"]["copies"] for one in played),
        "sessions": dict(sessions),
        "complaints": dict(sum((Counter(row["complaints"]) for row in rows), Counter())),
        **_looks([row for one in played for row in one["looks"]]),
        "faults": sum(len(faults(one)) for one in played),
    }


def table(figures: dict[str, Any]) -> str:
    width = max(map(len, figures))
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in figures.items())


def _kind(rows: list[dict[str, Any]]) -> str:
    lost = [row["window_s"] for row in rows if row["lost"]]
    said, gone = (sum(row[which] for row in rows) for which in ("said", "lost"))
    caches = sum(row["cache"]["lost"] + row["cache"]["torn"] > 0 for row in rows)
    text = f"{len(rows)} cuts, {caches} of them took something from the disk's cache, {gone} of {said} runs lost"
    return text + (f", the oldest {_worst(lost)} s before" if lost else "")


def _looks(rows: list[dict[str, Any]]) -> dict[str, Any]:
    lost = [row["window_s"] for row in rows if row["lost"]]
    again = [row["unsent_s"] for row in rows if row["unsent"]]
    return {
        "looks": len(rows),
        "looks, kinds": dict(Counter(row["kind"] for row in rows)),
        "looks, blocks lost, torn": [sum(row["cache"][kind] for row in rows) for kind in ("lost", "torn")],
        "looks, oldest lost, s, median and worst": [_median(lost), _worst(lost)],
        "looks, oldest sent again, s, median and worst": [_median(again), _worst(again)],
    }


def _median(values: list[float]) -> float | None:
    return round(median(values), 1) if values else None


def _worst(values: list[float]) -> float | None:
    return round(max(values), 1) if values else None
