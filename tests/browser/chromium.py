"""A headless Chromium, driven through two pipes by its DevTools protocol: no driver, no library, no port.

Messages are JSON, each ended by a zero byte (`--remote-debugging-pipe`).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

# A loaded machine may need long for what takes a moment.
PATIENCE_S = 60
OPTIONS = (
    "--headless",
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-first-run",
    # Nothing of the network but this machine has a name or an address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--remote-debugging-pipe",
)


def _pipe() -> tuple[int, int]:
    """Its ends, beyond the numbers that they are to have in the browser."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


class Chromium:
    """`home` is where its profile is. `events`: what it told unasked, (method, parameters)."""

    def __init__(self, home: Path) -> None:
        program = shutil.which("chromium")
        assert program is not None, "chromium is missing: tests/run installs it"
        to_it, self._write = _pipe()
        self._read, from_it = _pipe()
        pipes = f'exec 3<&{to_it} 4>&{from_it} {to_it}<&- {from_it}>&-; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", pipes, "bash", program, *OPTIONS, f"--user-data-dir={home}", "about:blank"],
            pass_fds=(to_it, from_it),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Its processes are a group, which can be ended as one.
            start_new_session=True,
        )
        os.close(to_it)
        os.close(from_it)
        self._buffer = b""
        self._number = 0
        self.events: list[tuple[str, dict[str, Any], str]] = []

    def close(self) -> None:
        os.close(self._write)
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()
        os.close(self._read)

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """The result of a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE_S
        while (answer := self._next(until)) is None or answer.get("id") != self._number:
            assert time.monotonic() < until, f"no answer to {method}"
        assert "error" not in answer, (method, answer["error"])
        return dict(answer["result"])

    def listen(self, seconds: float) -> None:
        """Take in what it tells, for so long or until it has told something."""
        self._next(time.monotonic() + seconds)

    def _next(self, until: float) -> dict[str, Any] | None:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            piece = os.read(self._read, 1 << 20)
            assert piece, "chromium has ended"
            self._buffer += piece
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append((message["method"], message["params"], message.get("sessionId", "")))
        return message


class Tab:
    """One page. `errors`: what its console, its policy and its scripts complained of. `requests`: the URLs it asked."""

    def __init__(
        self, browser: Chromium, *, width: int, height: int = 900, dark: bool = False, script: bool = True
    ) -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._target = target
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        mobile = width < 500
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        if not script:
            self.call("Emulation.setScriptExecutionDisabled", value=True)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def open(self, url: str) -> None:
        """Until everything is loaded."""
        loaded = self.documents
        self.call("Page.navigate", url=url)
        until = time.monotonic() + PATIENCE_S
        while self.documents == loaded:
            assert time.monotonic() < until, f"{url} is not loaded"
            self._browser.listen(1)
        while not self.evaluate("document.readyState === 'complete'"):
            assert time.monotonic() < until, f"{url} is not loaded"

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, a promise's when it is kept."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    @property
    def requests(self) -> list[str]:
        return [str(told["request"]["url"]) for told in self._told("Network.requestWillBeSent")]

    @property
    def documents(self) -> int:
        """How often a document was loaded."""
        return sum(frame["frame"]["url"] != "about:blank" for frame in self._told("Page.frameNavigated"))

    @property
    def errors(self) -> list[str]:
        logged = [str(told["entry"]["text"]) for told in self._told("Log.entryAdded")]
        said = [str(told["args"]) for told in self._told("Runtime.consoleAPICalled")]
        thrown = [str(told["exceptionDetails"]) for told in self._told("Runtime.exceptionThrown")]
        return logged + said + thrown

    def _told(self, method: str) -> list[dict[str, Any]]:
        return [told for found, told, session in self._browser.events if found == method and session == self._session]
