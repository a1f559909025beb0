"""How a body may come, and what a receiver must live through."""

from __future__ import annotations

import gzip
import json
import re
import resource
import socket
import struct
import zlib
from pathlib import Path

import pytest

from .conftest import DOCUMENT, IMPORT, Receiver, Start, line

LIMIT = 8 * 1024 * 1024
# Of addresses, for all threads and their stacks.
ROOM = 700_000_000
HEAD = b"POST /api/v1/import HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def error(answer: bytes) -> str:
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["error"])


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
def test_a_body_may_be_gzip(start: Start, coding: str) -> None:
    receiver = start("--json")
    data = gzip.compress(line().encode()) + gzip.compress(line().encode())
    assert receiver.post(IMPORT, data, Content_Encoding=coding).status == 204
    told = receiver.told()
    assert (told["samples"], told["bytes"]) == (4, len(data))


@pytest.mark.parametrize(
    ("data", "status", "what"),
    [
        (b"", 400, "ends too early"),
        (b"\x1f\x8b", 400, "ends too early"),
        (line().encode(), 400, "is not gzip"),
        (zlib.compress(line().encode()), 400, "is not gzip"),
        (gzip.compress(line().encode() * 100)[:-9], 400, "ends too early"),
        (gzip.compress(line().encode())[:-8] + b"\0" * 8, 400, "is not gzip: Error -3"),
        (gzip.compress(line().encode()) + b"rubbish", 400, "is not gzip"),
        (gzip.compress(b"") * 17, 400, "more than 16 members"),
        (gzip.compress(b" " * (LIMIT + 1)), 413, f"more than {LIMIT} bytes unpacked"),
        (gzip.compress(b" " * LIMIT) + gzip.compress(b" "), 413, f"more than {LIMIT} bytes unpacked"),
        # A gigabyte.
        (gzip.compress(b"\0" * 2**24, 9) * 64, 413, f"more than {LIMIT} bytes unpacked"),
    ],
    ids=[
        "nothing",
        "two bytes",
        "plain",
        "zlib",
        "half",
        "wrong check",
        "rubbish after it",
        "many members",
        "one too much",
        "one too much in two",
        "bomb",
    ],
)
def test_bad_gzip(shared: Receiver, data: bytes, status: int, what: str) -> None:
    reply = shared.post(IMPORT, data, Content_Encoding="gzip")
    assert reply.status == status
    assert what in reply.json["error"]


def test_a_bomb_does_not_go_off(start: Start) -> None:
    receiver = start()
    packer = zlib.compressobj(1, wbits=31)
    megabytes = 200
    data = b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()
    assert receiver.post(IMPORT, data, Content_Encoding="gzip").status == 413
    # The most memory it ever had, in kB.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{receiver.process.pid}/status").read_text())
    assert peak
    assert int(peak[1]) < megabytes * 1024 / 2


@pytest.mark.parametrize("coding", ["deflate", "snappy", "gzip, gzip", "zstd"])
def test_other_codings_are_not_known(shared: Receiver, coding: str) -> None:
    assert shared.post(IMPORT, line(), Content_Encoding=coding).status == 415


def test_a_body_may_come_in_chunks(start: Start) -> None:
    receiver = start("--json")
    data = line().encode()
    chunks = chunk(data[:1]) + b"%X ; a=b\r\n%s\r\n" % (len(data) - 1, data[1:]) + b"0\r\nTrailer: x\r\n\r\n"
    assert status(receiver.raw(CHUNKED + chunks)) == 204
    assert receiver.told()["bytes"] == len(data)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (b"", 400),
        (b"0\r\n", 400),
        (b"zz\r\n", 400),
        (b"-1\r\n", 400),
        (b"1_0\r\n", 400),
        (b"\r\n", 400),
        (b"5\r\nab", 400),
        (b"1\r\nab\r\n0\r\n\r\n", 400),
        (b"f" * 9 + b"\r\n", 400),
        (b"1" * 300, 400),
        (b"0\r\n" + b"a: b\r\n" * 33, 400),
        (b"ffffffff\r\n" + b" " * (LIMIT + 1), 413),
        (chunk(b" " * LIMIT) + chunk(b" ") + b"0\r\n\r\n", 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_chunks(shared: Receiver, chunks: bytes, expected: int) -> None:
    assert status(shared.raw(CHUNKED + chunks, end=True)) == expected


@pytest.mark.parametrize(
    ("headers", "expected", "what"),
    [
        (b"", 411, "neither Content-Length nor"),
        (b"Content-Length: x\r\n", 400, "is no number"),
        (b"Content-Length: -1\r\n", 400, "is no number"),
        (b"Content-Length: +1\r\n", 400, "is no number"),
        (b"Content-Length: 1_0\r\n", 400, "is no number"),
        (b"Content-Length: 1\r\nContent-Length: 2\r\n", 400, "two lengths"),
        (b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400, "two lengths"),
        (b"Transfer-Encoding: gzip, chunked\r\n", 501, "only Transfer-Encoding"),
        (b"Content-Length: 8388609\r\n", 413, "more than 8388608 bytes"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n", 413, "more than 8388608 bytes"),
        (b"Content-Length: 100\r\n", 400, "ended after 10 of 100 bytes"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_length_that_is_none(shared: Receiver, headers: bytes, expected: int, what: str) -> None:
    answer = shared.raw(HEAD + headers + b"\r\n0123456789", end=True)
    assert status(answer) == expected
    assert what in error(answer)


def test_twenty_megabytes_are_refused_in_a_way_that_the_sender_sees(shared: Receiver) -> None:
    for headers in ({}, {"Transfer_Encoding": "chunked"}):
        data = chunk(b" " * 20_000_000) if headers else b" " * 20_000_000
        reply = shared.post(IMPORT, data, **headers)
        assert reply.status == 413
        assert "more than 8388608 bytes" in reply.json["error"]


def test_the_longest_body_is_taken(start: Start) -> None:
    receiver = start("--json")
    assert receiver.post(IMPORT, line().encode().ljust(LIMIT)).status == 204
    assert receiver.told()["bytes"] == LIMIT


@pytest.mark.parametrize(
    "data",
    [b"x\n" * (LIMIT // 2), b"\n" * LIMIT, b"1" * LIMIT, b'"' + b"\\u0000" * (LIMIT // 6 - 1) + b'"', b"[],[" * 2**20],
    ids=["bad lines", "line feeds", "digits", "escapes", "brackets"],
)
def test_eight_megabytes_of_garbage_fit_into_little_memory(start: Start, data: bytes) -> None:
    receiver = start()
    resource.prlimit(receiver.process.pid, resource.RLIMIT_AS, (ROOM, ROOM))
    assert receiver.post(IMPORT, data).status == 400
    assert receiver.post(DOCUMENT, data).status == 400
    assert receiver.post(IMPORT, line()).status == 204


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (HEAD + b"Content-Length: 50\r\n\r\n{", 408),
        (CHUNKED + b"5\r\nab", 408),
        (CHUNKED, 408),
        (b"POST /api/v1/import HTT", 408),
        (b"POST /api/v1/import HTTP/1.1\r\nHos", 408),
        (b"", None),
    ],
)
def test_whoever_stops_in_the_middle_is_not_waited_for(start: Start, data: bytes, expected: int | None) -> None:
    answer = start("--timeout", "0.3").raw(data)
    assert (status(answer) if answer else None) == expected


def test_whoever_drips_is_not_waited_for(start: Start) -> None:
    """Each byte comes soon after the one before; all together they would take hours."""
    receiver = start("--timeout", "0.3")
    with receiver.connected() as connection:
        connection.sendall(HEAD + b"Content-Length: 8000000\r\n\r\n")
        connection.settimeout(0.01)
        answer = b""
        for _ in range(6000):
            connection.send(b" ")
            try:
                answer = connection.recv(4096)
                break
            except TimeoutError:
                continue
        assert status(answer) == 408


def test_many_who_say_nothing_do_not_shut_out_the_next_for_long(start: Start) -> None:
    receiver = start("--timeout", "0.5")
    idle = [receiver.connected() for _ in range(40)]
    # The last of them had no place, and were told so.
    assert b"".join(piece for one in idle[-10:] if (piece := one.recv(100))).count(b" 503 ") == 10
    for one in idle:
        while one.recv(100):
            pass
        one.close()
    assert receiver.post(IMPORT, line()).status == 204


def test_whoever_hangs_up_breaks_nothing(start: Start) -> None:
    receiver = start("--json")
    for data in (b"", HEAD, HEAD + b"Content-Length: 50\r\n\r\n{", HEAD + b"Content-Length: 3\r\n\r\n{}\n"):
        with receiver.connected() as connection:
            # A reset, not an orderly end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(data)
    # The last of them was whole, and is looked at, though nobody waits for what is found.
    assert receiver.told()["status"] == "400"
    assert receiver.post(IMPORT, line()).status == 204
    code, _, said = receiver.end(15)
    assert (code, said) == (1, "")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /health HTTP/9.9\r\n\r\n", 505),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 70_000 + b"\r\n\r\n", 431),
        (b"BREW /pot HTTP/1.1\r\n\r\n", 405),
        (b"PUT /api/v1/import HTTP/1.1\r\nContent-Length: 3\r\n\r\n{}\n", 405),
        (b"GET / HTTP/1.1\r\nContent-Length: 50\r\n\r\nGET /health HTTP/1.1\r\n\r\n", 200),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_request(shared: Receiver, data: bytes, expected: int) -> None:
    answer = shared.raw(data, end=True)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert status(answer) == expected


def test_a_connection_may_be_used_again(shared: Receiver) -> None:
    request = b"POST /api/v1/import HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
    good, bad = line().encode(), b"{"
    answer = shared.raw(request % (len(good), good) + request % (len(bad), bad) + request % (len(good), good), end=True)
    assert [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [204, 400, 204]


def test_curl_asks_before_it_sends_much(shared: Receiver) -> None:
    with shared.connected() as connection:
        data = line().encode()
        connection.sendall(HEAD + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(data))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(data)
        assert status(connection.recv(1000)) == 204
