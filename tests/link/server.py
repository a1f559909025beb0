"""VictoriaMetrics behind vmauth behind front.py, in a network namespace of their own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from .way import SERVER

PORT, AUTH_PORT, STORE_PORT = 8427, 8426, 8428
URL = f"http://{SERVER}:{PORT}/api/v1/import"
UP_S = 120
# With what dies, all of it dies.
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


class Server:
    """`pid` is a process in its namespace, which lasts as long as this process, or until close(). Keeps its files, and
    what the programs print, in `directory`."""

    def __init__(self, directory: Path, token: str) -> None:
        self._directory = directory
        self._running: list[subprocess.Popen[bytes]] = []
        self.log = directory / "requests"
        self.log.touch()
        self._holder = subprocess.Popen(
            [*_WITH_US, "unshare", "--net", "sh", "-c", "ip link set lo up && echo && exec sleep infinity"],
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout
        self._holder.stdout.readline()
        self.pid = self._holder.pid
        self._token = token
        self._write_users()

    def start(self) -> None:
        """All of it; returns when it answers."""
        directory = self._directory
        store = [_program("victoria-metrics"), f"-storageDataPath={directory}/data", "-retentionPeriod=10y"]
        store += [f"-httpListenAddr=127.0.0.1:{STORE_PORT}", "-search.latencyOffset=1s"]
        users = [_program("vmauth"), f"-auth.config={directory}/users", f"-httpListenAddr=127.0.0.1:{AUTH_PORT}"]
        here = Path(__file__).with_name("front.py")
        front = ["/usr/bin/python3", "-I", str(here), SERVER, str(PORT), str(AUTH_PORT), str(self.log)]
        for command in (store, users, front):
            with (directory / "printed").open("ab") as printed:
                self._running.append(subprocess.Popen([*_WITH_US, *self._inside(), *command], stderr=printed))
        deadline = time.monotonic() + UP_S
        while self._get(f"http://{SERVER}:{PORT}/api/v1/labels", f"Authorization: Bearer {self._token}") is None:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server did not come up: {(directory / 'printed').read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """As an administrator does it: what the store has accepted, it writes down."""
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            process.wait(UP_S)
        self._running = []

    def expect(self, token: str) -> None:
        """From now on this token, and no other."""
        self._token = token
        self._write_users()
        self._running[1].send_signal(signal.SIGHUP)

    def cut_next(self) -> None:
        """The next chunk that is accepted: the box does not learn of it."""
        self._running[2].send_signal(signal.SIGUSR1)

    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def exported(self) -> list[dict[str, Any]]:
        """All that is stored, each copy of it: {"metric": labels, "values": [...], "timestamps": [...]}."""
        store = f"http://127.0.0.1:{STORE_PORT}"
        assert self._get(f"{store}/internal/force_flush") is not None
        # To the letter: without start and end it would be what is recent.
        found = self._get(f"{store}/api/v1/export?match[]={{__name__!=%22%22}}&start=1&end=4000000000")
        assert found is not None
        return [json.loads(line) for line in found.splitlines()]

    def close(self) -> None:
        self.stop()
        self._holder.kill()
        self._holder.wait()
        assert self._holder.stdout
        self._holder.stdout.close()

    def _write_users(self) -> None:
        user = f'users:\n- bearer_token: "{self._token}"\n  url_prefix: "http://127.0.0.1:{STORE_PORT}/"\n'
        (self._directory / "users").write_text(user)

    def _inside(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net"]

    def _get(self, url: str, *headers: str) -> str | None:
        options = [word for header in headers for word in ("-H", header)]
        command = ["curl", "-sSfg", "--max-time", "30", *options, url]
        done = subprocess.run([*self._inside(), *command], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is missing: tests/run installs victoria-metrics")
    return found
