"""The command line, what a person sees, and what the receiver does wrong when told to."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from .conftest import DOCUMENT, IMPORT, PATIENCE_S, ROOT, Receiver, Start, document, line


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/usr/bin/python3", "-I", ROOT / "jobs/cli.py", "receiver", *arguments],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def test_health_has_the_time(shared: Receiver) -> None:
    for method in ("GET", "HEAD"):
        reply = shared.ask(method, "/health")
        assert reply.status == 200
        assert abs(parsedate_to_datetime(reply.headers["Date"]).timestamp() - time.time()) < PATIENCE_S
        assert (reply.body == b"") == (method == "HEAD")


def test_the_front_page_says_what_this_is_and_what_has_come(start: Start) -> None:
    receiver = start()
    receiver.post(IMPORT, line())
    reply = receiver.get("/")
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert "for trying uploads out" in reply.body.decode()
    assert re.search(r"^belabox-001 +1 +2  20", reply.body.decode(), re.M)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", IMPORT, 405),
        ("GET", "/metrics", 404),
        ("POST", "/", 404),
        ("POST", "/api/v1/write", 404),
        ("POST", "/api/v1/import/", 404),
        ("POST", "/health", 404),
    ],
)
def test_nothing_is_where_nothing_should_be(shared: Receiver, method: str, path: str, status: int) -> None:
    reply = shared.ask(method, path, b"{}" if method == "POST" else None)
    assert reply.status == status
    assert reply.json["success"] is False
    assert status != 405 or reply.headers["Allow"] == "POST"


def test_a_line_for_each_request(start: Start) -> None:
    receiver = start()
    receiver.post(IMPORT, line(), Idempotency_Key="batch-7:0")
    told = receiver.line()
    assert re.match(
        r"\d\d:\d\d:\d\d\.\d{3}  204 POST /api/v1/import  \d+ bytes  2 samples of belabox-001  key batch-7:0$", told
    )
    receiver.get("/health")
    assert receiver.line().endswith("  200 GET /health")


def test_verbose_tells_each_series_and_quiet_only_what_is_wrong(start: Start) -> None:
    verbose = start("--verbose")
    verbose.post(IMPORT, line())
    verbose.line()
    assert verbose.line() == '    cpu_usage_percent{core="0",device_id="belabox-001"}  2 values over 1 s, last 46'

    quiet = start("--quiet")
    quiet.post(IMPORT, line())
    quiet.get("/health")
    quiet.post(IMPORT, line(values=[1]))
    assert quiet.line().endswith("WRONG: 1 mistake")
    assert quiet.line() == "    line 1: values has 1 entries and timestamps 2, must be as many"


def test_the_same_key_again_is_the_same_upload(start: Start) -> None:
    receiver = start("--json")
    body = line()
    for seen in ("new", "again"):
        assert receiver.post(IMPORT, body, Idempotency_Key="k").status == 204
        told = receiver.told()
        assert (told["seen"], told["wrong"], told["key"]) == (seen, False, "k")
    assert receiver.post(IMPORT, body, Idempotency_Key="other").status == 204
    summary = json.loads(receiver.end(signal.SIGINT)[1][-1])
    # Twice, not three times.
    assert (summary["samples"], summary["again"], summary["uploads"]) == (4, 1, 3)


def test_other_bytes_under_the_same_key_are_an_error(start: Start) -> None:
    receiver = start()
    receiver.post(IMPORT, line(), Idempotency_Key="k")
    receiver.line()
    reply = receiver.post(IMPORT, line(values=[1, 2]), Idempotency_Key="k")
    assert reply.status == 422
    assert "WRONG: other bytes than before under the same Idempotency-Key" in receiver.line()
    assert receiver.end(signal.SIGINT)[0] == 1


def test_a_key_that_is_no_key(shared: Receiver) -> None:
    assert shared.post(IMPORT, line(), Idempotency_Key="k" * 201).status == 400


def test_nothing_of_the_network_gets_at_the_terminal(start: Start) -> None:
    evil = "\x1b[2J\x9b\u202e\x07\r\nfake"
    receiver = start("--verbose")
    receiver.post(IMPORT, line(metric={"__name__": "m", "device_id": evil}), Idempotency_Key="\x1b[31mred")
    receiver.post(DOCUMENT, document({evil: 1}))
    receiver.post(IMPORT, line(metric={"__name__": "m", evil: evil}))
    receiver.raw(b"GET /\x1b]0;title\x07 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    receiver.raw(b"\x1b[2J\x9b GARBAGE HTTP/1.1\r\n\r\n")
    receiver.raw(b"M\x1b[2J /\x9b2J HTTP/1.1\r\n\r\n", end=True)
    front = receiver.get("/").body.decode()
    _, lines, said = receiver.end(signal.SIGTERM)
    shown = "\n".join(lines) + said + front
    assert "\\x1b[2J\\x9b\\u202e\\x07\\r\\nfake" in shown
    assert [char for char in shown if not char.isprintable() and char != "\n"] == []
    assert not any(one.startswith("fake") for one in lines)


def test_whoever_makes_up_names_and_keys_fills_neither_memory_nor_screen(start: Start) -> None:
    receiver = start("--verbose")
    for part in range(3):
        metrics = [{"__name__": "m", "device_id": f"d{part}-{number}"} for number in range(1000)]
        assert receiver.post(IMPORT, "".join(line(metric=metric) for metric in metrics)).status == 204
    _, lines, _ = receiver.end(signal.SIGTERM)
    assert len(lines) < 3 * 60 + 1100
    assert any(re.match(r"\(others\) +\d+ +4000 ", one) for one in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_end_is_a_table(start: Start, number: int) -> None:
    receiver = start()
    receiver.post(IMPORT, line())
    receiver.post(DOCUMENT, document(device_id="zwei"))
    code, lines, said = receiver.end(number)
    assert (code, said) == (0, "")
    table = lines[lines.index("") + 1 :]
    assert table[0] == "2 uploads, 0 of them wrong, 0 again"
    assert table[2] == "answers: 200 x 1, 204 x 1"
    assert table[3].split() == ["DEVICE", "UPLOADS", "SAMPLES", "NEWEST"]
    assert table[5].split() == ["zwei", "1", "1", "2025-10-11", "14:30:00.123"]


def test_the_exit_code_tells_whether_all_was_right(start: Start) -> None:
    for body, expected in ((line(), 0), ("{", 1)):
        receiver = start("--count", "1")
        receiver.post(IMPORT, body)
        assert receiver.end()[0] == expected


def test_it_leaves_after_so_many_uploads(start: Start) -> None:
    receiver = start("--json", "--count", "2")
    receiver.get("/health")
    assert receiver.post(IMPORT, line()).status == 204
    assert receiver.process.poll() is None
    assert receiver.post(IMPORT, line()).status == 204
    code, lines, _ = receiver.end()
    assert (code, json.loads(lines[-1])["uploads"]) == (0, 2)


def test_whoever_is_being_answered_at_the_end_gets_the_answer(start: Start) -> None:
    receiver = start("--json", "--delay", "3600")
    with ThreadPoolExecutor() as pool:
        reply = pool.submit(receiver.post, IMPORT, line())
        while "1 under way" not in receiver.get("/").body.decode():
            assert not reply.done()
        # Whoever is connected and asks nothing is not waited for.
        with receiver.connected():
            receiver.process.send_signal(signal.SIGTERM)
            assert reply.result(PATIENCE_S).status == 204
            assert receiver.end()[0] == 0


def test_whoever_is_still_sending_at_the_end_may_end(start: Start) -> None:
    receiver = start("--json")
    body = line().encode()
    with receiver.connected() as connection:
        connection.sendall(b"POST /api/v1/import HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        while "1 under way" not in receiver.get("/").body.decode():
            pass
        receiver.process.send_signal(signal.SIGTERM)
        # Nobody else comes in any more; that is when it would have left.
        with pytest.raises(ConnectionError):
            while True:
                receiver.get("/health")
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 204 ")
    code, lines, _ = receiver.end()
    assert (code, json.loads(lines[-1])["samples"]) == (0, 2)


def test_a_delay_delays(start: Start) -> None:
    receiver = start("--delay", "0.3")
    before = time.monotonic()
    receiver.post(IMPORT, line())
    assert time.monotonic() - before >= 0.3


def test_it_fails_as_told(start: Start) -> None:
    receiver = start("--json", "--fail", "503", "--retry-after", "120")
    reply = receiver.post(IMPORT, line())
    assert (reply.status, reply.headers["Retry-After"]) == (503, "120")
    told = receiver.told()
    # Still looked at, though not taken, and the sender is not to blame.
    assert (told["told"], told["samples"], told["taken"], told["wrong"]) == ("503", 2, False, False)
    assert receiver.get("/api/v1/checkpoint?device_id=belabox-001").json == {"checkpoint": None}
    assert receiver.get("/health").status == 200
    assert receiver.end(signal.SIGINT)[0] == 0


@pytest.mark.parametrize("how", ["300", "304", "404", "429", "500", "599"])
def test_any_status(start: Start, how: str) -> None:
    assert start("--fail", how).post(DOCUMENT, document()).status == int(how)


def test_each_nth_fails(start: Start) -> None:
    receiver = start("--fail", "500", "--fail-every", "3")
    assert [receiver.post(IMPORT, line()).status for _ in range(7)] == [204, 204, 500, 204, 204, 500, 204]


def test_so_many_of_a_hundred_fail(start: Start) -> None:
    def failures(percent: str) -> int:
        receiver = start("--fail", "500", "--fail-rate", percent)
        return [receiver.post(IMPORT, line()).status for _ in range(60)].count(500)

    assert failures("0") == 0
    assert failures("100") == 60
    # Once in 10^18 it is none or all.
    assert 0 < failures("50") < 60


def test_a_dropped_upload_has_arrived(start: Start) -> None:
    receiver = start("--json", "--fail", "drop", "--fail-every", "2")
    first, second = line(), line()
    assert receiver.post(IMPORT, first, Idempotency_Key="1").status == 204
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        receiver.post(IMPORT, second, Idempotency_Key="2")
    assert receiver.post(IMPORT, second, Idempotency_Key="2").status == 204
    told = [receiver.told() for _ in range(3)]
    assert [one["seen"] for one in told] == ["new", "new", "again"]
    assert [one["status"] for one in told] == ["204", "cut", "204"]
    assert json.loads(receiver.end(signal.SIGINT)[1][-1])["samples"] == 4


def test_half_an_answer(start: Start) -> None:
    receiver = start("--fail", "truncate")
    request = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    for path, body in ((IMPORT, line()), (DOCUMENT, document())):
        answer = receiver.raw(request % (path.encode(), len(body), body.encode()))
        assert answer.startswith(b"HTTP/1.1 20")
        assert b"\r\n\r\n" not in answer
    assert receiver.get("/api/v1/checkpoint?device_id=belabox-001").json["checkpoint"]


def test_the_page_of_a_hotel(start: Start) -> None:
    reply = start("--fail", "page").post(IMPORT, line())
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_the_checkpoint_may_be_a_lie(start: Start) -> None:
    receiver = start("--checkpoint", "9223372036854775807")
    assert receiver.post(DOCUMENT, document()).json["checkpoint"] == 2**63 - 1
    assert receiver.get("/api/v1/checkpoint?device_id=x").json == {"checkpoint": 2**63 - 1}


def test_only_with_the_token(start: Start, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret-t0ken\n")
    receiver = start("--token", str(tmp_path / "token"))
    for given in ({}, {"Authorization": "Bearer x"}, {"Authorization": "s3cret-t0ken"}, {"Authorization": "Bearer é"}):
        for reply in (receiver.post(IMPORT, line(), **given), receiver.get("/api/v1/checkpoint?device_id=a", **given)):
            assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert receiver.post(IMPORT, line(), Authorization="Bearer s3cret-t0ken").status == 204
    assert receiver.get("/health").status == 200
    _, lines, said = receiver.end(signal.SIGINT)
    assert "s3cret" not in "\n".join(lines) + said


@pytest.mark.parametrize("content", [None, "", "two words", "x" * 5000])
def test_a_file_without_a_token(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    done = run("--port", "0", "--token", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"belabox-metrics receiver: {path}: ")
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken(shared: Receiver) -> None:
    done = run("--port", str(shared.port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"belabox-metrics receiver: 127.0.0.1:{shared.port}: cannot listen there: Address already in use"
        " (another --port?)\n"
    )


@pytest.mark.parametrize("address", ["192.0.2.1", "no such host", "a" * 300, "ü" * 70 + ".x", ""])
def test_an_address_that_is_not_here(address: str) -> None:
    done = run("--port", "0", "--listen", address)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_ipv6() -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    receiver = Receiver("--listen", "::1")
    try:
        assert receiver.url.startswith("http://[::1]:")
        with socket.create_connection(("::1", receiver.port), timeout=PATIENCE_S) as connection:
            connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    finally:
        receiver.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fail", "200"],
        ["--fail", "600"],
        ["--fail", "explode"],
        ["--fail", ""],
        ["--fail-every", "3"],
        ["--fail-rate", "5"],
        ["--retry-after", "5"],
        ["--fail", "503", "--fail-rate", "101"],
        ["--fail", "503", "--fail-every", "0"],
        ["--fail", "503", "--fail-every", "2", "--fail-rate", "5"],
        ["--fail", "503", "--retry-after", "5\r\nX: y"],
        ["--port", "65536"],
        ["--port", "-1"],
        ["--port", "x"],
        ["--delay", "nan"],
        ["--delay", "1e9"],
        ["--timeout", "0"],
        ["--count", "0"],
        ["--checkpoint", "-5"],
        ["--quiet", "--verbose"],
        ["somewhere"],
    ],
    ids=" ".join,
)
def test_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "belabox-metrics receiver: " in done.stderr
    assert "Traceback" not in done.stderr


def test_help() -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "/api/v1/checkpoint?device_id=" in done.stdout
    assert (
        "receiver"
        in subprocess.run(
            ["/usr/bin/python3", "-I", ROOT / "jobs/cli.py"], capture_output=True, text=True, check=False
        ).stdout
    )


def test_when_nobody_reads_any_more_it_leaves(tmp_path: Path) -> None:
    command = ["/usr/bin/python3", "-I", str(ROOT / "jobs/cli.py"), "receiver", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    port = int(process.stdout.readline().split()[2].rstrip(b",").rpartition(b":")[2])
    process.stdout.close()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert process.wait(timeout=PATIENCE_S) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_no_colour_but_on_a_terminal(start: Start) -> None:
    import pty

    def said(**environment: str) -> bytes:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["/usr/bin/python3", "-I", ROOT / "jobs/cli.py", "receiver", "--port", "0", "--count", "1"],
            stdout=theirs,
            stderr=theirs,
            env={"PATH": os.environ["PATH"], **environment},
        )
        os.close(theirs)
        shown = b""
        asked = False
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            found = re.search(rb"127\.0\.0\.1:(\d+),", shown)
            if found and not asked:
                asked = True
                with socket.create_connection(("127.0.0.1", int(found[1])), timeout=PATIENCE_S) as connection:
                    connection.sendall(b"POST /api/v1/import HTTP/1.0\r\nContent-Length: 1\r\n\r\n{")
                    while connection.recv(4096):
                        pass
        os.close(ours)
        assert process.wait(timeout=PATIENCE_S) == 1
        return shown

    assert b"\x1b[31m" in said()
    assert b"\x1b" not in said(NO_COLOR="1")
    piped = start()
    piped.post(IMPORT, "{")
    assert "\x1b" not in piped.line()
