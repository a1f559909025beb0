"""The page in a real browser: how it lies there, that it lives, and that all of it comes from the box.

The screenshots stay in tests/browser/screenshots, to be looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .chromium import Tab
from .conftest import SCREENSHOTS, Opener
from .streaming_box import SESSION, StreamingBox

WIDTHS = (360, 768, 1440)
Serving = Callable[[StreamingBox], str]

# Boxes of text that lie over each other, within the cards and of the cards; and what sticks out of its card.
OVERLAPS = """
(() => {
  const found = [];
  const meets = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const groups = [[...document.querySelectorAll("main > *, header, footer")]];
  const lists = ".figures, .links, .events, .streams, .plots, .card, .links li, .events li";
  for (const list of document.querySelectorAll(lists)) groups.push([...list.children]);
  for (const group of groups)
    group.forEach((one, at) => group.slice(at + 1).forEach(other => {
      if (meets(one.getBoundingClientRect(), other.getBoundingClientRect()))
        found.push(`${one.textContent.slice(0, 40)} | ${other.textContent.slice(0, 40)}`);
    }));
  for (const card of document.querySelectorAll(".card, .banner")) {
    const outer = card.getBoundingClientRect();
    for (const inner of card.querySelectorAll("*")) {
      const place = inner.getBoundingClientRect();
      if (place.width && !inner.closest("svg") && (place.right > outer.right + 1 || place.left < outer.left - 1))
        found.push(`out of its card: ${inner.tagName} ${inner.textContent.slice(0, 40)}`);
    }
  }
  return found;
})()
"""
# As who comes back to the page from another tab: it asks at once.
LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"
SCROLLS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
RUN_AXE = """
axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}).then(result =>
  result.violations.map(one => `${one.id}: ${one.nodes.map(node => `${node.target}: ${node.failureSummary}`)}`))
"""


def text_of(tab: Tab, selector: str) -> str:
    return " ".join(str(tab.evaluate(f"document.querySelector({selector!r}).innerText")).split())


def until(tab: Tab, expression: str) -> Any:
    """The value of an expression, as soon as it is one that counts."""
    deadline = time.monotonic() + 60
    while not (value := tab.evaluate(expression)):
        assert time.monotonic() < deadline, expression
        time.sleep(0.1)
    return value


def trouble(path: Path) -> StreamingBox:
    """Everything that is not as it should be, with names as hostile as they get."""
    box = StreamingBox(path, hostile=True)
    box.fail("cpu.usage", "a-reason-without-a-single-blank-in-it-" * 6)
    box.fail("srt.relay", "relay: connection refused")
    box.alert("cpu.temperature", "cpu_temperature", box.now.wall_ms - 300_000)
    return box


BOXES: dict[str, Callable[[Path], StreamingBox]] = {
    "live": StreamingBox,
    "idle": lambda path: StreamingBox(path, live=False),
    "trouble": trouble,
}


@pytest.mark.parametrize("name", BOXES)
def test_it_lies_well_in_every_width_and_light(
    name: str, tmp_path: Path, serving: Serving, tab: Opener, axe: str
) -> None:
    url = serving(BOXES[name](tmp_path / "metrics.db"))
    for width in WIDTHS:
        for dark in (False, True):
            page = tab(url, width=width, dark=dark)
            where = f"{name}-{width}-{'dark' if dark else 'light'}"
            page.screenshot(SCREENSHOTS / f"{where}.png")
            assert page.evaluate(SCROLLS) is False, where
            assert page.evaluate(OVERLAPS) == [], where
            if width == WIDTHS[0]:
                page.evaluate(axe)
                assert page.evaluate(RUN_AXE) == [], where
            assert page.errors == [], where
            assert [asked for asked in page.requests if not asked.startswith((url, "data:"))] == [], where


def test_it_follows_the_database_without_being_loaded_again(tmp_path: Path, serving: Serving, tab: Opener) -> None:
    box = StreamingBox(tmp_path / "metrics.db")
    page = tab(serving(box), width=360)
    assert "61 °C" in text_of(page, "#box")
    page.evaluate("window.scrollTo(0, 700)")
    place = "document.getElementById('box').getBoundingClientRect().top"
    seen_at = page.evaluate(place)
    page.evaluate(f"document.querySelector('a[href=\"/report/{SESSION}\"]').focus({{preventScroll: true}})")
    box.step(temperature=77.5)
    box.fail("cpu.usage", "gone")
    until(page, "document.getElementById('box').innerText.includes('77.5 °C')")
    assert "degraded" in text_of(page, "#state")
    assert page.evaluate("document.title") == "degraded: Orange Pi 5+"
    assert page.evaluate("document.getElementById('word').textContent") == "Orange Pi 5+ is degraded"
    assert page.evaluate(place) == seen_at, "what is read stays where it is, whatever has grown above it"
    assert page.evaluate("document.activeElement.getAttribute('href')") == f"/report/{SESSION}"
    assert page.documents == 1
    assert page.errors == []


def test_when_the_box_does_not_answer_any_more_it_says_so(tmp_path: Path, serving: Serving, tab: Opener) -> None:
    page = tab(serving(StreamingBox(tmp_path / "metrics.db")))
    page.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    page.evaluate(LOOK_AGAIN)
    assert "not reached" in until(page, "document.getElementById('note').textContent")
    assert "61 °C" in text_of(page, "#box")
    page.call("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    page.evaluate(LOOK_AGAIN)
    until(page, "document.getElementById('note').textContent === ''")


def test_without_script_all_of_it_is_there(tmp_path: Path, serving: Serving, tab: Opener) -> None:
    page = tab(serving(StreamingBox(tmp_path / "metrics.db")), script=False)
    page.screenshot(SCREENSHOTS / "without-script.png")
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "61 °C" in text_of(page, "#box")
    assert page.evaluate("document.querySelectorAll('figure.chart path.line').length") >= 6
    assert page.errors == []
