"""A whole upload with a secret, against servers of all sorts: it reaches them and nothing else."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

from .conftest import Server

ROOT = Path(__file__).parents[3]
CANARY = "canary-51d8f0"


# The job as a unit runs it, but that what the journal would get is printed.
JOB = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from belabox_metrics import journal
from belabox_metrics.door import run
from belabox_metrics.upload.uploader import main
journal._send = lambda *record: print(record, file=sys.stderr) is None
run(main)
"""


def said(status: str, headers: str = "", body: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode()


ELSEWHERE = f"Location: http://127.0.0.1:9/?{CANARY}\r\n"
PAGE = "Content-Type: text/html\r\n"
ANSWERS = {
    "204": said("204 No Content"),
    "400": said("400 Bad Request", body=f"bad: Bearer {CANARY}"),
    "401": said("401 Unauthorized", f'WWW-Authenticate: Bearer realm="{CANARY}"\r\n', f"no such token: {CANARY}"),
    "302": said("302 Found", ELSEWHERE, f"moved to {CANARY}"),
    "429": said(f"429 {CANARY}", f"Retry-After: {CANARY}\r\n"),
    "500": said("500 Oops", body=f"panic: header is {CANARY}"),
    "a page": said("200 OK", PAGE, f"<p>{CANARY}</p>"),
    "garbage": f"{CANARY} is what you said\r\n\r\n".encode(),
    "header garbage": f"HTTP/1.1 200 OK\r\n{CANARY}\r\n\r\n".encode(),
    "cut": said("200 OK", body="x" * 10)[:-5],
}


@pytest.fixture
def box(tmp_path: Path, server: Server) -> Store:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/api-token").write_text(CANARY + "\n")
    (tmp_path / "box").mkdir()
    store = Store(str(tmp_path / "box/metrics.db"))
    settings: dict[str, str | int | float] = {
        "remote.url": server.url,
        "remote.enabled": 1,
        "remote.timeout_ms": 60_000,
        "device.id": "box",
    }
    settings["remote.auth.type"] = "bearer_token"
    rows: list[tuple[str, str, int, str | int | float]] = []
    for path, value in settings.items():
        section, _, key = path.rpartition(".")
        rows.append((section, key, 0, value))
    replace_settings(store.path, rows)
    moment = Moment(1_700_000_000_000, 1000, "boot", True)
    with store.writing() as connection:
        runs.add(connection, runs.Run("collect", moment, metric="n", samples=[Sample("n.value", 1), Sample("n.b", 2)]))
    return store


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_secret_is_for_the_server_alone(tmp_path: Path, server: Server, box: Store, kind: str) -> None:
    seen: list[str] = []

    def answer(connection: socket.socket) -> None:
        seen.extend(Path(f"/proc/{job.pid}/{name}").read_bytes().decode() for name in ("cmdline", "environ"))
        connection.sendall(ANSWERS[kind])
        # Of neither does the client know that no more will come.
        if kind in ("cut", "header garbage"):
            connection.shutdown(socket.SHUT_RDWR)

    server.answer = answer
    job = subprocess.Popen(
        ["/usr/bin/python3", "-I", "-S", "-c", JOB, ROOT / "lib"],
        env={
            "BELABOX_METRICS_DATABASE": box.path,
            "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"),
            "PATH": os.environ["PATH"],
            "JOURNAL_STREAM": "1:1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    stdout, stderr = job.communicate(timeout=120)
    assert f"Authorization: Bearer {CANARY}".encode() in server.requests[0]
    assert "Traceback" not in stderr
    kept = {path.name: path.read_bytes() for path in Path(box.path).parent.iterdir()}
    assert {"metrics.db", "metrics.db-wal"} <= kept.keys()
    shown = {"stdout": stdout, "stderr": stderr, "process": "".join(seen)}
    shown.update({name: content.decode("latin-1") for name, content in kept.items()})
    assert [name for name, text in shown.items() if CANARY in text] == []
    assert len(seen) >= 2
    # The record, with its fields, was among what was looked at.
    assert f"'endpoint': '{server.url}'" in stderr
