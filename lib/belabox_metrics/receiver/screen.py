"""What a person, or with --json a program, sees of each request."""

from __future__ import annotations

import json
import os
import sys
import threading
import time

from ..printable import printable
from .ledger import NOBODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .content import Content, Span
    from .ledger import Ledger
    from .receipt import Receipt

NORMAL, QUIET, VERBOSE = "normal", "quiet", "verbose"
# Series of one upload with --verbose.
SERIES = 50
_RED, _YELLOW, _PLAIN = "\033[31m", "\033[33m", "\033[0m"


class Screen:
    """Standard output, for many threads. `gone` is called when nobody reads it any more."""

    def __init__(self, volume: str, as_json: bool, gone: Callable[[], None]) -> None:
        self._volume = volume
        self._json = as_json
        self._gone = gone
        self._lost = False
        self._lock = threading.Lock()
        self._colour = sys.stdout.isatty() and not as_json and "NO_COLOR" not in os.environ

    def begin(self, url: str) -> None:
        if self._json:
            self._print(json.dumps({"event": "listening", "url": url}))
        else:
            self._print(f"listening on {url}, Ctrl-C ends it")

    def tell(self, receipt: Receipt) -> None:
        """The line of a request; more of them for mistakes, and for series with --verbose."""
        if self._volume == QUIET and not receipt.is_wrong():
            return
        self._print(json.dumps(self._document(receipt)) if self._json else "\n".join(self._lines(receipt)))

    def end(self, ledger: Ledger) -> None:
        if self._json:
            self._print(json.dumps({"event": "summary", **ledger.document()}))
        else:
            self._print("\n".join(["", *ledger.lines()]))

    def _lines(self, receipt: Receipt) -> list[str]:
        words = [_clock(), f"{receipt.status:<4}{printable(receipt.method, 20)} {printable(receipt.path)}"]
        content = receipt.content
        if receipt.size:
            words.append(f"{receipt.size} bytes")
        if content:
            words.append(_samples(content))
        if receipt.key:
            words.append(f"key {printable(receipt.key)}")
        notes = receipt.notes()
        colour = "" if not self._colour or not notes else _RED if receipt.is_wrong() else _YELLOW
        line = "  ".join([*words, *notes])
        lines = [f"{colour}{line}{_PLAIN}" if colour else line]
        if content:
            lines += [f"    {finding}" for finding in content.findings.lines()]
        if content and self._volume == VERBOSE:
            shown = list(content.series.items())[:SERIES]
            lines += [f"    {printable(name, 200)}  {_span(span)}" for name, span in shown]
            if len(content.series) > SERIES:
                lines.append(f"    and {len(content.series) - SERIES} more series")
        return lines

    def _document(self, receipt: Receipt) -> dict[str, object]:
        content = receipt.content
        document: dict[str, object] = {
            "event": "upload" if receipt.method == "POST" else "request",
            "time": time.time_ns() // 1_000_000,
            "method": receipt.method,
            "path": receipt.path,
            "status": receipt.status,
            "bytes": receipt.size,
            "device": receipt.device,
            "key": receipt.key,
            "seen": receipt.seen,
            "told": receipt.told,
            "taken": receipt.taken,
            "wrong": receipt.is_wrong(),
            "refusal": receipt.refusal,
        }
        if content:
            document["samples"] = content.samples()
            document["devices"] = {name: span.count for name, span in content.devices.items()}
            document.update({key: found for key, found in content.findings.document().items() if key != "success"})
        if content and self._volume == VERBOSE:
            document["series"] = {
                name: {"count": span.count, "first": span.first_ms, "last": span.last_ms, "value": span.value}
                for name, span in list(content.series.items())[:SERIES]
            }
        return document

    def _print(self, text: str) -> None:
        with self._lock:
            if self._lost:
                return
            try:
                # A terminal without UTF-8 gets escapes, not a traceback.
                encoding = sys.stdout.encoding or "ascii"
                print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
            except OSError:  # as in: receiver | head -3
                self._lost = True
                # What is still in the buffer would fail once more on the way out.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if self._lost:
            self._gone()


def _clock() -> str:
    now_ms = time.time_ns() // 1_000_000
    return f"{time.strftime('%H:%M:%S', time.localtime(now_ms // 1000))}.{now_ms % 1000:03d}"


def _samples(content: Content) -> str:
    count = content.samples()
    names = [printable(name) or NOBODY for name in list(content.devices)[:2]]
    whose = f" of {', '.join(names)}" if names else ""
    more = " and others" if len(content.devices) > len(names) else ""
    return f"{count} sample{'s' * (count != 1)}{whose}{more}"


def _span(span: Span) -> str:
    seconds = (span.last_ms - span.first_ms) / 1000
    over = f" over {seconds:g} s" if seconds else ""
    return f"{span.count} value{'s' * (span.count != 1)}{over}, last {span.value:g}"
