"""A booted throw-away machine, and what a test may do to it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

COMMAND = Path(__file__).with_name("machine")
CHECKOUT = Path(__file__).parents[2]
DATABASE = "/var/lib/belabox-metrics/metrics.db"
# Longer than the command takes to power off and, that failing, to kill.
STOP_SECONDS = 120
PATIENCE_S = 120.0

T = TypeVar("T")


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


@contextmanager
def booted(name: str) -> Iterator[Machine]:
    """A machine for as long as the block lasts; it ends with this process too, which holds its input."""
    process = subprocess.Popen(
        [COMMAND, "boot", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin
    assert process.stdout
    try:
        ready, _, pid = process.stdout.readline().partition(" ")
        if ready != "ready":
            raise RuntimeError(f"{name} did not boot, see standard error")
        yield Machine(name, int(pid))
    finally:
        process.stdin.close()
        process.wait(STOP_SECONDS)
        process.stdout.close()


class Machine:
    """`pid`: its first process, as the host counts them."""

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self.pid = pid

    def run(
        self,
        *argv: str,
        check: bool = True,
        input: str | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside as root. When it is checked and fails, the error shows what it printed."""
        done = subprocess.run(
            [COMMAND, "exec", self.name, "--", *argv],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"exit code {done.returncode} of {argv}\n{done.stdout}{done.stderr}")
        return done

    def systemctl(self, *arguments: str, check: bool = True) -> str:
        return self.run("systemctl", "--no-pager", *arguments, check=check).stdout.strip()

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """The records that match, oldest first; what starts with a dash is an option of journalctl."""
        journalctl = ("journalctl", "--no-pager", "--quiet", "--output=json", "--all")
        # Its exit code is 1 when nothing matches.
        lines = self.run(*journalctl, *matches, check=False).stdout
        return [json.loads(line) for line in lines.splitlines()]

    def http_get(self, path: str, port: int = 9100) -> Response:
        said = self.run("curl", "-sS", "-i", "--max-time", "10", f"http://127.0.0.1:{port}{path}").stdout
        # Reading as text has made \n of every \r\n.
        head, _, body = said.partition("\n\n")
        first, *lines = head.splitlines()
        fields = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        return Response(int(first.split()[1]), headers, body)

    def sql(self, query: str, *, database: str = DATABASE) -> list[dict[str, Any]]:
        # As the user who owns it: root would leave a -shm behind that the jobs can't write to.
        # And runuser(1) would tell the journal of each session.
        as_owner = ("setpriv", "--reuid=metrics", "--regid=metrics", "--clear-groups")
        # Each process that opens the database reads its log first and keeps others out meanwhile: wait for it.
        said = self.run(*as_owner, "sqlite3", "-readonly", "-cmd", ".timeout 5000", "-json", database, query).stdout
        rows: list[dict[str, Any]] = json.loads(said or "[]")
        return rows

    def wait_until(self, condition: Callable[[], T], what: str = "", timeout: float = PATIENCE_S) -> T:
        """What the condition returns, once that is true. The timeout is there to end a test that would hang, not to
        say how long it may take."""
        deadline = time.monotonic() + timeout
        while True:
            answer = condition()
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout:g} s: {what or condition}")
            time.sleep(0.1)
