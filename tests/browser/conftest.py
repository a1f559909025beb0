"""One Chromium for all tests, the real responder for each, and where the screenshots go."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from .chromium import Chromium, Tab
from .streaming_box import StreamingBox

ROOT = Path(__file__).parents[2]
DOOR = ROOT / "jobs" / "health.py"
SCREENSHOTS = ROOT / "tests" / "browser" / "screenshots"
AXE = "axe_playwright_python/axe.min.js"
# As systemd does it: the socket is there before the process.
START = """
import os, socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
print(listener.getsockname()[1], flush=True)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-I", "-S", *sys.argv[1:]])
"""

Opener = Callable[..., Tab]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        browser = Chromium(Path(home))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core, as a package for another browser driver ships it."""
    found = [Path(place) / AXE for place in sys.path if (Path(place) / AXE).exists()]
    assert found, "axe-core is missing: tests/run installs it"
    return found[0].read_text(encoding="utf-8")


@pytest.fixture
def serving() -> Iterator[Callable[[StreamingBox], str]]:
    """The URL of the page of a box."""
    with contextlib.ExitStack() as stack:

        def serve(box: StreamingBox) -> str:
            command = [sys.executable, "-c", START, str(DOOR), "--database", box.store.path, "--idle-seconds", "0"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert process.stdout is not None
            return f"http://127.0.0.1:{int(process.stdout.readline())}/"

        yield serve


@pytest.fixture
def tab(chromium: Chromium) -> Iterator[Opener]:
    with contextlib.ExitStack() as stack:

        def opened(url: str, *, width: int = 768, dark: bool = False, script: bool = True) -> Tab:
            found = Tab(chromium, width=width, dark=dark, script=script)
            stack.callback(found.close)
            found.open(url)
            return found

        yield opened
