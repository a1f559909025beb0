"""The page at `/`: one document, drawn here, that needs no script, no font and no picture from anywhere."""

from __future__ import annotations

import time

from .. import __version__
from ..health.answer import page
from ..markup import escaped
from .banner import banner
from .box import box
from .happenings import events, streams
from .plots import Plots
from .script import EVERY_S, SCRIPT
from .stream import stream
from .style import STYLE
from .upload import upload
from .view import View, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..health.access import Access
    from ..health.answer import Answer
    from ..health.visit import Visit

_COLOURS = {"ok": "%231a7f3c", "degraded": "%23c77700", "error": "%23c0261c"}
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='7' fill='{}'/%3E%3C/svg%3E"
)
_DOCUMENT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title><link rel="icon" href="{icon}"><style>{style}</style>
<noscript><meta http-equiv="refresh" content="{every}"></noscript></head>
<body><header><b>{device}</b><span id="at">{at}</span><span id="note" role="status"></span></header>
<p class="unseen" aria-live="polite" id="word">{word}</p>
<main>{parts}</main>
<footer>belabox-metrics {version} · {who} · <a href="/health">/health</a></footer>
<script>{script}</script></body></html>
"""


def answer(visit: Visit) -> Answer:
    """The page of this moment. It is 200 whatever the state of the box: it is for people, who see that."""
    plots = visit.kept.setdefault("page.plots", Plots())
    view = read(visit.store, plots if isinstance(plots, Plots) else Plots())
    return document(view, visit.access)


def document(view: View, access: Access) -> Answer:
    """`view` as it is shown to whom `access` lets in."""
    status = str(view.report["status"])
    device = view.device or "this box"
    known = bool(view.report["components"]["uploader"]["details"]["mode"])
    parts = [banner(view)]
    if known:
        parts += [stream(view), box(view), upload(view), *view.plots, events(view), streams(view)]
    text = _DOCUMENT.format(
        at=escaped(time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(view.now.wall_ms / 1000))),
        device=escaped(device),
        every=2 * EVERY_S,
        icon=_ICON.format(_COLOURS[status]),
        parts="".join(parts),
        script=SCRIPT,
        style=STYLE,
        title=escaped(f"{status}: {device}"),
        version=__version__,
        who=escaped(_who(access)),
        word=f"{escaped(device)} is {status}",
    )
    return page(200, text, styles=(STYLE,), scripts=(SCRIPT,))


def _who(access: Access) -> str:
    """Who may see this."""
    others = list(access.networks)
    if not others and not access.has_token:
        return "answers this box alone"
    told = f"answers this box, {', '.join(others)}" if others else "answers this box"
    return f"{told} without a token, and whoever has the token" if access.has_token else told
