"""The process as systemd starts it, over a socket that outlives it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import pytest
from tests.ports import kept_port

from belabox_metrics import clock
from belabox_metrics.store import runs
from belabox_metrics.store.database import EXPECTED, Store

from .conftest import PATIENCE_S, Box, Reply, Responding, Starter, as_systemd, command, read_all, settings

GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def at_work(box: Box, tmp_path: Path) -> Path:
    """The database of a box that is well right now."""
    box.configure(settings(intervals={"cpu.usage": 60_000}, more={("health", "path"): "/how/are/you"}))
    box.moment = clock.now()
    box.run("collect", "cpu.usage", samples=3)
    box.run("upload")
    return tmp_path / "metrics.db"


@pytest.fixture
def responding(at_work: Path, starter: Starter) -> Responding:
    return starter.start(at_work)


@pytest.fixture
def failing(box: Box, tmp_path: Path, starter: Starter) -> Responding:
    """A box whose only collector fails."""
    box.configure(settings(intervals={"cpu.usage": 60_000}))
    box.moment = clock.now()
    box.run("collect", "cpu.usage", outcome=runs.FAILED, error="why")
    return starter.start(tmp_path / "metrics.db")


@pytest.mark.parametrize(
    ("path", "status", "key"),
    [
        ("/health", 200, "components"),
        ("/health?pretty", 200, "components"),
        ("/health/live", 200, "status"),
        ("/health/ready", 200, "status"),
        ("/how/are/you", 200, "components"),
        ("/how/are/you/ready", 200, "status"),
        ("/health/", 404, "error"),
        ("/healthy", 404, "error"),
        ("/../etc/passwd", 404, "error"),
    ],
)
def test_what_is_where(responding: Responding, path: str, status: int, key: str) -> None:
    reply = responding.get(path)
    assert reply.status == status
    assert key in reply.json
    assert reply.headers == {
        "cache-control": "no-store",
        "connection": "close",
        "content-length": str(len(reply.body)),
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "content-type": "application/json",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    head = responding.get(path, "HEAD")
    assert (head.status, head.headers, head.body) == (status, reply.headers, b"")


def test_in_error_live_is_all_that_is_left(failing: Responding) -> None:
    assert failing.get("/health").json["status"] == "error"
    statuses = [failing.get(path).status for path in ("/health", "/health/ready", "/health/live")]
    assert statuses == [503, 503, 200]


def test_degraded_is_an_answer_but_not_ready(at_work: Path, box: Box, responding: Responding) -> None:
    box.configure(settings(intervals={"cpu.usage": 60_000, "disk.io": 60_000}))
    box.run("collect", "disk.io", outcome=runs.FAILED, error="why")
    assert responding.get("/health").json["status"] == "degraded"
    assert [responding.get(path).status for path in ("/health", "/health/ready")] == [200, 503]


REFUSED = [
    pytest.param(b"POST /health HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405, id="post"),
    pytest.param(b"POST /health HTTP/1.1\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000, 405, id="long post"),
    pytest.param(b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n\r\n", 414, id="long address"),
    pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 60_000 + b"\r\n\r\n", 431, id="long head"),
    pytest.param(os.urandom(60_000).replace(b"\n", b"\x00").join([b"\x00", b""]), 400, id="binary"),
    pytest.param(b"GET / HTTP/9.9\r\n\r\n", 400, id="another version"),
    pytest.param(b"hello\n", 400, id="not HTTP"),
]


@pytest.mark.parametrize(("data", "status"), REFUSED)
def test_a_refusal_reaches_the_one_who_is_still_talking(responding: Responding, data: bytes, status: int) -> None:
    reply = Reply(responding.send(data))
    assert reply.status == status
    assert reply.json["error"]
    assert reply.headers.get("allow") == ("GET, HEAD" if status == 405 else None)
    assert responding.get("/health").status == 200


def test_one_request_a_connection_whatever_follows_it(responding: Responding) -> None:
    for junk in (GET, os.urandom(50_000), b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"):
        reply = Reply(responding.send(GET + junk))
        assert (reply.status, reply.json["status"]) == (200, "ok"), "and nothing after its JSON"


def test_a_request_in_single_bytes(responding: Responding) -> None:
    with responding.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in GET:
            connection.sendall(bytes([byte]))
        assert Reply(read_all(connection)).status == 200


def test_a_client_that_has_said_all_gets_its_answer(responding: Responding) -> None:
    with responding.connect() as connection:
        connection.sendall(GET)
        connection.shutdown(socket.SHUT_WR)
        assert Reply(read_all(connection)).status == 200


def test_a_thousand_requests_at_once_and_one_more(responding: Responding) -> None:
    connections = []
    for _ in range(500):
        # Who does not ask at once may lose its place to the next.
        connections.append(responding.connect())
        connections[-1].sendall(GET)
    statuses = []
    for connection in connections:
        with connection:
            statuses.append(Reply(read_all(connection)).status)
    with ThreadPoolExecutor(16) as pool:
        statuses += list(pool.map(lambda _: responding.get("/health").status, range(500)))
    assert statuses == [200] * 1000
    assert responding.get("/health").status == 200


def test_while_the_database_is_held_it_lives_and_says_so(at_work: Path, tmp_path: Path, starter: Starter) -> None:
    """Somebody in it with sqlite3 and an exclusive lock: a reader waits five seconds, whoever asks for /health/live
    does not, and who gives up while waiting is forgotten."""
    held = tmp_path / "held.db"  # a copy, which nobody else has open
    holder = sqlite3.connect(held, isolation_level=None)
    sqlite3.connect(at_work).backup(holder)
    holder.execute("PRAGMA journal_mode=WAL")
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    responding = starter.start(held)
    with responding.connect() as waiting:
        waiting.settimeout(30)
        waiting.sendall(GET)
        for _ in range(3):
            responding.connect().close()
            with responding.connect() as gone:
                gone.sendall(b"GET / HTTP/1.1\r\n\r\n")
        for _ in range(20):
            assert responding.get("/health/live").status == 200
        waiting.setblocking(False)
        with pytest.raises(BlockingIOError):
            waiting.recv(1)
        waiting.settimeout(30)
        reply = Reply(read_all(waiting))
    assert reply.status == 503
    assert "keeps the database busy" in reply.json["components"]["storage"]["message"]
    holder.close()


def test_who_waits_for_what_is_being_made_is_answered_after_half_closing(at_work: Path, starter: Starter) -> None:
    responding = starter.start(at_work)
    with responding.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert b"</html>" in read_all(connection)


def test_others_are_refused_before_anything_is_read(tmp_path: Path, starter: Starter) -> None:
    """The box itself has more addresses than the loopback's: to ask from one is to ask from outside."""
    addresses = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    own = next((address for address in addresses if "." in address and not address.startswith("127.")), None)
    if own is None:
        pytest.skip("this machine has no address but the loopback's")
    listener = starter.listener("0.0.0.0")
    responding = starter.start(tmp_path / "none.db", listener=listener)
    with socket.create_connection((own, listener.getsockname()[1]), timeout=10) as connection:
        connection.sendall(GET)
        reply = Reply(read_all(connection))
    assert (reply.status, own in reply.json["error"]) == (403, True)
    assert responding.get("/health/live").status == 200


def test_slow_ones_and_silent_ones_hurt_nobody_and_are_sent_away(responding: Responding) -> None:
    responding.get("/health")
    slow = [responding.connect() for _ in range(100)]
    for connection in slow[::2]:
        connection.sendall(b"GET /health HTTP/1.1\r\nX")
    assert responding.get("/health").status == 200
    # It has not waited until the time of these was up: those who came last are still there, all but a few.
    assert sum(map(is_open, slow)) > 20
    # Dripping does not buy time: the deadline is for all of it.
    last = slow[-2]
    deadline = time.monotonic() + PATIENCE_S
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline:
            last.sendall(b"x")
            time.sleep(0.2)
    assert time.monotonic() < deadline
    for connection in slow:
        connection.close()


def is_open(connection: socket.socket) -> bool:
    """At its other end."""
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        connection.settimeout(PATIENCE_S)


def test_slow_readers_get_all_of_it_and_those_who_never_read_are_sent_away(
    box: Box, tmp_path: Path, starter: Starter
) -> None:
    """A report larger than the buffers of the kernel."""
    box.configure(settings(intervals={f"metric.{number}": 60_000 for number in range(400)}))
    listener = starter.listener()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    responding = starter.start(tmp_path / "metrics.db", listener=listener)

    def reader() -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        connection.connect(listener.getsockname())
        connection.settimeout(PATIENCE_S)
        connection.sendall(GET)
        return connection

    with reader() as never, reader() as slow:
        # Both are being answered.
        assert select.select([never], [], [], PATIENCE_S)[0]
        assert select.select([slow], [], [], PATIENCE_S)[0]
        assert responding.get("/health/live").status == 200
        reply = Reply(read_all(slow))
        assert len(reply.body) > 100_000
        assert len(reply.json["components"]) == 403
        deadline = time.monotonic() + PATIENCE_S
        while responding.holds() and time.monotonic() < deadline:
            time.sleep(0.05)
        # What was in the buffers, and then the end.
        got = b""
        with contextlib.suppress(ConnectionResetError):
            got = read_all(never)
        assert len(got) < 100_000


def test_waiting_costs_nothing(at_work: Path, starter: Starter) -> None:
    """Nobody, silent ones, all places taken: the process sleeps."""
    responding = starter.start(at_work)
    responding.get("/health")
    held = [responding.connect() for _ in range(60)]
    time.sleep(0.5)
    # 32 connections and what a process has anyway, however many want one.
    assert len(os.listdir(f"/proc/{responding.process.pid}/fd")) < 32 + 10
    before = cpu_seconds(responding.process.pid)
    time.sleep(1.5)
    assert cpu_seconds(responding.process.pid) - before < 0.1
    for connection in held:
        connection.close()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_report_is_a_second_old_at_most(at_work: Path, box: Box, responding: Responding) -> None:
    assert responding.get("/health").json["status"] == "ok"
    box.run("collect", "cpu.usage", outcome=runs.FAILED, error="why")
    time.sleep(1.1)
    assert responding.get("/health").json["status"] == "error"


def test_it_leaves_when_idle_and_the_socket_stays(at_work: Path, starter: Starter) -> None:
    listener = starter.listener()
    # There before the process, which leaves early where this one is late.
    with socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as connection:
        connection.sendall(GET[:-2])
        responding = starter.start(at_work, "--idle-seconds", "1", listener=listener)
        time.sleep(0.7)
        asked = time.monotonic()
        connection.sendall(GET[-2:])
        assert Reply(read_all(connection)).status == 200
    _, said = responding.process.communicate(timeout=PATIENCE_S)
    assert responding.process.returncode == 0
    assert time.monotonic() - asked > 1, "a request begins the wait anew"
    assert said.startswith("1 requests answered in ")
    assert said.count("\n") == 1
    # Who comes now waits in the socket for the next process.
    with responding.connect() as connection:
        connection.sendall(GET)
        starter.start(at_work, listener=responding.listener)
        assert Reply(read_all(connection)).status == 200


def test_it_does_not_leave_while_somebody_is_connected(at_work: Path, starter: Starter) -> None:
    listener = starter.listener()
    # There before the process, which leaves early where this one is late.
    with socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as connection:
        connection.sendall(GET[:-2])
        responding = starter.start(at_work, "--idle-seconds", "0.3", listener=listener)
        time.sleep(1.5)
        connection.sendall(GET[-2:])
        assert Reply(read_all(connection)).status == 200
    assert responding.process.wait(timeout=PATIENCE_S) == 0


def as_directory(path: Path) -> None:
    path.mkdir()


def as_text(path: Path) -> None:
    path.write_text("not a database, but long enough to be taken for one at first sight\n" * 50)


def as_empty(path: Path) -> None:
    path.write_bytes(b"")


def as_newer(path: Path) -> None:
    with Store(str(path)).writing() as connection:
        connection.execute(f"PRAGMA user_version={EXPECTED + 1}")
        connection.execute("INSERT INTO schema_version VALUES (?, '')", (EXPECTED + 1,))


def as_damaged(path: Path) -> None:
    store = Store(str(path))
    with store.writing() as connection:
        connection.execute("INSERT INTO settings VALUES ('device', 'id', 0, 'box-1')")
    store.close()
    content = bytearray(path.read_bytes())
    content[1024:] = b"\xff" * (len(content) - 1024)
    path.write_bytes(content)


DATABASES: list[tuple[Callable[[Path], object], str]] = [
    (lambda path: None, "there is no database yet"),
    (as_directory, "is a directory"),
    # Whoever opens one waits for somebody at its other end.
    (os.mkfifo, "is a named pipe"),
    (lambda path: path.symlink_to("/dev/zero"), "is a device"),
    (as_text, "this file is not a database"),
    (as_empty, "the database is still empty"),
    (as_newer, f"the database has schema {EXPECTED + 1}"),
    (as_damaged, "the database is damaged"),
]


IDS = ["missing", "directory", "pipe", "device", "text", "empty", "newer", "damaged"]


@pytest.mark.parametrize(("make", "said"), DATABASES, ids=IDS)
def test_whatever_the_database_is_there_is_an_answer(
    make: Callable[[Path], object], said: str, tmp_path: Path, starter: Starter
) -> None:
    path = tmp_path / "other.db"
    make(path)
    responding = starter.start(path)
    for _ in range(2):
        reply = responding.get("/health")
        assert (reply.status, reply.json["status"]) == (503, "error")
        assert said in reply.json["components"]["storage"]["message"]
        assert set(reply.json["components"]) == {"uploader", "storage", "time"}
    assert responding.get("/health/ready").status == 503
    assert responding.get("/health/live").status == 200
    assert responding.get("/nothing").status == 404


def test_a_database_that_appears_is_found(tmp_path: Path, starter: Starter, box: Box) -> None:
    responding = starter.start(tmp_path / "metrics.db")
    assert responding.get("/health").status == 503
    box.configure(settings(intervals={"cpu.usage": 60_000}))
    time.sleep(1.1)
    assert responding.get("/health").json["status"] == "ok"


def test_a_bug_is_a_503_for_the_client_and_a_traceback_for_us(at_work: Path, box: Box, starter: Starter) -> None:
    with box.store.writing() as connection:
        connection.execute("UPDATE jobs SET done_timestamp_ms = 1e300")
    responding = starter.start(at_work, "--idle-seconds", "0")
    for seconds in (0, 1.1):
        time.sleep(seconds)
        reply = responding.get("/health")
        assert (reply.status, reply.json["status"]) == (503, "error")
    responding.process.terminate()
    _, said = responding.process.communicate(timeout=PATIENCE_S)
    assert said.count("Traceback") == 1


def test_writers_go_on_while_it_is_asked(at_work: Path, box: Box, responding: Responding) -> None:
    """Each asking a new second's report, none keeps a checkpoint from being made in the end."""
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            assert responding.get("/health").status in (200, 503)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(300):
            box.run("collect", "cpu.usage", samples=10)
    finally:
        stop.set()
        asking.join()
    with box.store.writing(checkpoint_first=True) as connection:
        connection.execute("SELECT 1")
    assert (at_work.parent / "metrics.db-wal").stat().st_size < 4096


def by_hand(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("LISTEN_")}
    return subprocess.run(
        arguments, env={**env, **environment}, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "no socket was passed"),
        (("--listen", "nowhere"), 2, "nowhere is not HOST:PORT"),
        (("--listen", "127.0.0.1:99999"), 2, "is not HOST:PORT"),
        (("--listen", "192.0.2.1:9100"), 1, "192.0.2.1:9100: cannot listen there"),
        (("--listen",), 2, "--listen needs a value"),
        (("--idle-seconds", "soon"), 2, "is no number of seconds"),
        (("--idle-seconds", "."), 2, "is no number of seconds"),
        (("--what",), 2, "unknown argument --what"),
    ],
)
def test_a_wrong_start(tmp_path: Path, options: tuple[str, ...], code: int, said: str) -> None:
    done = by_hand(*command(tmp_path / "metrics.db", *options))
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_descriptor_that_does_not_listen(tmp_path: Path) -> None:
    with socket.socket() as bound:
        done = subprocess.run(
            as_systemd(command(tmp_path / "metrics.db")),
            env={**os.environ, "LISTEN_FDS": "1"},
            stdin=bound.fileno(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "descriptor 3 is no listening socket" in done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_by_hand_it_opens_the_socket_itself(at_work: Path, host: str) -> None:
    try:
        keeper = kept_port(host.strip("[]"))
    except OSError:
        pytest.skip("no such address here")
    with keeper:
        port = keeper.getsockname()[1]
        argv = command(at_work, "--listen", f"{host}:{port}", "--idle-seconds", "1")
        # On a busy machine it may leave before it was asked.
        assert any(answers(argv, (host.strip("[]"), port)) for _ in range(20))


def answers(argv: list[str], place: tuple[str, int]) -> bool:
    """Whether it was asked before it left, as it does in any case."""
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                with (
                    contextlib.suppress(ConnectionRefusedError, ConnectionResetError),
                    socket.create_connection(place, timeout=PATIENCE_S) as connection,
                ):
                    connection.sendall(GET)
                    assert Reply(read_all(connection)).status == 200
                    assert process.wait(timeout=PATIENCE_S) == 0
                    return True
                time.sleep(0.05)
        finally:
            process.kill()
        assert process.returncode == 0
        return False


def test_starting_imports_nothing_dear() -> None:
    lib = Path(__file__).parents[3] / "lib"
    code = f"import sys; sys.path.insert(0, {str(lib)!r}); import belabox_metrics.health.responder; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    dear = {"re", "json", "typing", "dataclasses", "contextlib", "logging", "argparse", "socket", "enum", "http.server"}
    assert not dear & set(done.stdout.split())


def test_the_report_is_readable_json_of_one_box(responding: Responding) -> None:
    text = responding.get("/health").body.decode()
    assert json.dumps(json.loads(text), indent=2) + "\n" == text
