"""The state of the box in one word, one colour and one sign, and why."""

from __future__ import annotations

from ..health.verdict import ERROR, OK
from ..markup import escaped
from .pieces import TEXT_LIMIT
from .words import SIGNS, clock, lasting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .view import View

# Reasons that are told; on a bad day each metric has one.
REASONS = 6


def banner(view: View) -> str:
    """The head of the page."""
    status = str(view.report["status"])
    sign = f'<span class="sign" aria-hidden="true">{SIGNS[status]}</span>'
    return (
        f'<section id="state" class="banner {status}"><h1>{sign}{escaped(status)}</h1>'
        f"{_listed(_alerts(view), 'alerts')}{_listed(reasons(view), 'reasons')}</section>"
    )


def reasons(view: View) -> list[str]:
    """Why it is not ok, the worst first; why it is, where it is."""
    components = view.report["components"]
    bad = [(name, found) for name, found in components.items() if found["status"] != OK]
    bad.sort(key=lambda pair: (pair[1]["status"] != ERROR, pair[0].startswith("collector.")))
    told = [f"{name.replace('collector.', '', 1)}: {found['message']}" for name, found in bad]
    refused = view.report.get("configuration")
    if refused:
        told.insert(0, f"configuration: {refused['message']}")
    if len(told) > REASONS:
        told[REASONS - 1 :] = [f"and {len(told) - REASONS + 1} more: see /health"]
    if told:
        return told
    metrics = sum(name.startswith("collector.") for name in components)
    return [f"{metrics} metrics are collected; {components['uploader']['message']}"]


def _alerts(view: View) -> list[str]:
    now_ms = view.now.wall_ms
    return [
        f"alert {alert['alert']} of {alert['metric']}, since {clock(alert['since_ms'], now_ms)},"
        f" for {lasting(now_ms - alert['since_ms'])}"
        for alert in view.report.get("alerts_raised", [])
    ]


def _listed(lines: list[str], kind: str) -> str:
    items = "".join(f"<li>{escaped(line, TEXT_LIMIT)}</li>" for line in lines)
    return f'<ul class="{kind}">{items}</ul>' if items else ""
