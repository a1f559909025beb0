"""Makes the pictures of README, docs/page-light.png and docs/page-dark.png: the page of a box that streams.

PYTHONPATH=lib python3 -m tests.browser.picture        in the root of the repository; needs chromium
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from pathlib import Path

from .chromium import Chromium, Tab
from .conftest import DOOR, ROOT, START
from .streaming_box import StreamingBox

WIDTH = 1200
# As far as the curves of the stream; what comes below is more of the same kind.
CARDS = 4
BOTTOM = f"[...document.querySelectorAll('main > *')].slice(0, {CARDS + 1}).pop().getBoundingClientRect().bottom + 16"


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        box = StreamingBox(Path(folder) / "metrics.db")
        command = [sys.executable, "-c", START, str(DOOR), "--database", box.store.path, "--idle-seconds", "0"]
        responder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        browser = Chromium(Path(folder) / "browser")
        try:
            assert responder.stdout is not None
            url = f"http://127.0.0.1:{int(responder.stdout.readline())}/"
            for light in ("light", "dark"):
                take(browser, url, ROOT / "docs" / f"page-{light}.png", dark=light == "dark")
        finally:
            browser.close()
            responder.kill()
            responder.wait()


def take(browser: Chromium, url: str, path: Path, *, dark: bool) -> None:
    tab = Tab(browser, width=WIDTH, dark=dark)
    tab.open(url)
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": tab.evaluate(BOTTOM), "scale": 1}
    taken = tab.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
    path.write_bytes(base64.b64decode(taken["data"]))


if __name__ == "__main__":
    main()
