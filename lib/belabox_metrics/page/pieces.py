"""Pieces of HTML that several parts of the page are made of. All texts are escaped here."""

from __future__ import annotations

from ..markup import escaped
from ..quantity import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .view import View

TEXT_LIMIT = 300
# Beside a number; the whole of it stands at the top of the page.
REASON_LIMIT = 90


def card(name: str, title: str, content: str, kind: str = "") -> str:
    """A part of the page that is replaced as one when it has changed."""
    classes = f"card {kind}".strip()
    return f'<section id="{name}" class="{classes}"><h2>{title}</h2>{content}</section>'


def figures(items: Iterable[str]) -> str:
    """A list of figure()s."""
    return f'<dl class="figures">{"".join(items)}</dl>'


def figure(label: str, value: str, more: str = "", share: float | None = None) -> str:
    """One number with its name; `more` is said below it; `share`, percent, is drawn as a bar."""
    drawn = bar(share) if share is not None else ""
    below = f'<dd class="more">{escaped(more, TEXT_LIMIT)}</dd>' if more else ""
    return f"<div><dt>{escaped(label)}</dt><dd>{escaped(value)}</dd>{below}{drawn}</div>"


def absent(label: str, why: str) -> str:
    """In the place of a number: that there is none, and why."""
    reason = f'<dd class="more">{escaped(why, REASON_LIMIT)}</dd>'
    return f'<div class="absent"><dt>{escaped(label)}</dt><dd>not known</dd>{reason}</div>'


def reading(view: View, label: str, metric: str, *names: str, more: str = "") -> str:
    """The first of these series that has a number, with its unit; else why `metric` has none."""
    found = view.first(*names)
    return absent(label, view.why_not(metric)) if found is None else figure(label, shown(*found), more)


def bar(percent: float, element: str = "dd") -> str:
    """How much of a whole, as a drawing: the number stands beside it. Width is an attribute: the page's policy forbids
    style="" ."""
    width = min(max(percent, 0.0), 100.0)
    return (
        f'<{element} class="bar" aria-hidden="true"><svg width="100%" height="6">'
        '<rect class="whole" width="100%" height="6" rx="3"/>'
        f'<rect class="part" width="{width:.1f}%" height="6" rx="3"/></svg></{element}>'
    )


def said(text: str) -> str:
    """A sentence in the place of what there is not."""
    return f'<p class="none">{escaped(text, TEXT_LIMIT)}</p>'
