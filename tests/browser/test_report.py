"""The report of a stream in a real browser: as the page of a box, and as the file that somebody was mailed."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics.report import command

from .conftest import SCREENSHOTS, Opener
from .streaming_box import SESSION, StreamingBox
from .test_page import RUN_AXE, SCROLLS, WIDTHS, Serving, text_of, trouble

OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
# Texts of a chart that lie upon each other can't be read.
CROWDED = """
(() => {
  const found = [];
  for (const chart of document.querySelectorAll(".chart > svg")) {
    const texts = [...chart.querySelectorAll("text.level, text.time")].map(one => [one, one.getBoundingClientRect()]);
    texts.forEach(([one, a], at) => texts.slice(at + 1).forEach(([other, b]) => {
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4)
        found.push(`${one.textContent} | ${other.textContent}`);
    }));
  }
  return found;
})()
"""


@pytest.mark.parametrize("width", WIDTHS)
def test_it_lies_well_in_every_width_and_light(
    tmp_path: Path, serving: Serving, tab: Opener, axe: str, width: int
) -> None:
    url = serving(trouble(tmp_path / "metrics.db"))
    for dark in (False, True):
        page = tab(f"{url}report/{SESSION[:8]}", width=width, dark=dark)
        page.evaluate(OPEN_ALL)
        where = f"report-{width}-{'dark' if dark else 'light'}"
        page.screenshot(SCREENSHOTS / f"{where}.png")
        assert page.evaluate(SCROLLS) is False, where
        assert page.evaluate(CROWDED) == [], where
        if width == WIDTHS[0]:
            page.evaluate(axe)
            assert page.evaluate(RUN_AXE) == [], where
        assert page.errors == [], where
        assert [asked for asked in page.requests if not asked.startswith((url, "data:"))] == [], where


def test_the_file_is_the_page_without_a_box(tmp_path: Path, tab: Opener) -> None:
    """And without a script, as it has none."""
    box = StreamingBox(tmp_path / "metrics.db")
    path = tmp_path / "stream.html"
    assert command.main(["--database", box.store.path, SESSION, "-o", str(path)]) == 0
    page = tab(path.as_uri(), script=False)
    assert text_of(page, "h1").startswith("Stream of ")
    assert page.evaluate("document.querySelectorAll('.chart > svg').length") > 4
    # The style sheet is its own, and is used.
    assert page.evaluate("getComputedStyle(document.querySelector('article, .verdict')).borderLeftStyle") == "solid"
    assert page.errors == []
    assert [asked for asked in page.requests if not asked.startswith(("file:", "data:"))] == []
