"""Heads of requests: what is one, what is not, and what can't be told yet."""

from __future__ import annotations

import contextlib

import pytest

from belabox_metrics.health.request import Refusal, parse

END = b" HTTP/1.1\r\nHost: x\r\n\r\n"

GOOD = [
    (b"GET /health" + END, ("GET", "/health")),
    (b"HEAD /health" + END, ("HEAD", "/health")),
    (b"GET /health?a=b?c" + END, ("GET", "/health")),
    (b"GET /health HTTP/1.0\r\n\r\n", ("GET", "/health")),
    (b"GET /health HTTP/1.1\n\n", ("GET", "/health")),
    (b"GET /health HTTP/1.1\nHost: x\r\n\r\n", ("GET", "/health")),
    (b"GET http://127.0.0.1:9100/health" + END, ("GET", "/health")),
    (b"GET http://127.0.0.1:9100" + END, ("GET", "/")),
    (b"GET //etc/passwd" + END, ("GET", "//etc/passwd")),
    (b"GET /a HTTP/1.1\r\nX:\r\nY: \xff\t\r\n\r\n", ("GET", "/a")),
    (b"GET /" + b"a" * 1000 + END, ("GET", "/" + "a" * 1000)),
    (b"GET / HTTP/1.1\r\nX: " + b"a" * 8166 + b"\r\n\r\n", ("GET", "/")),
]


@pytest.mark.parametrize(("head", "expected"), GOOD)
def test_a_request(head: bytes, expected: tuple[str, str]) -> None:
    request = parse(head)
    assert request is not None
    assert (request.method, request.path, request.size) == (*expected, len(head))
    request = parse(head + b"POST / HTTP/1.1\r\n\r\n")
    assert request is not None
    assert request.size == len(head)


@pytest.mark.parametrize(("head", "_expected"), GOOD)
def test_until_its_end_there_is_none(head: bytes, _expected: object) -> None:
    end = len(head) - (2 if head.endswith(b"\r\n\r\n") else 1)
    assert all(parse(head[:length]) is None for length in range(0, end, 7))


BAD = [
    (b"\x16\x03\x01\x02\x00\x01", 400),  # TLS
    (b"\x00", 400),
    (b"\r\nGET / HTTP/1.1\r\n\r\n", 400),
    (b"get / HTTP/1.1\r\n\r\n", 400),
    (b"GET /\r\n\r\n", 400),
    (b"GET  / HTTP/1.1\r\n", 400),
    (b"GET / HTTP/1.1 \r\n", 400),
    (b"GET / HTTP/2.0\r\n", 400),
    (b"GET / HTTP/1.1x\r\n", 400),
    (b"GET health HTTP/1.1\r\n", 400),
    (b"GET * HTTP/1.1\r\n", 400),
    (b"GET /\xff HTTP/1.1\r\n", 400),
    (b"GET /\t HTTP/1.1\r\n", 400),
    (b"G\xffT / HTTP/1.1\r\n", 400),
    (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nspace : x\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\n", 405),
    (b"DELETE / HTTP/1.1\r\n", 405),
    (b"OPTIONS / HTTP/1.1\r\n", 405),
    (b"GET /" + b"a" * 1100, 414),
    (b"HEAD /" + b"a" * 5000 + END, 414),
    (b"A" * 1100, 400),
    (b"GET / HTTP/1.1\r\nX: " + b"a" * 8192, 431),
    (b"GET / HTTP/1.1\r\nX: " + b"a" * 8192 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 1400, 431),
]


@pytest.mark.parametrize(("head", "status"), BAD)
def test_a_refusal(head: bytes, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        parse(head)
    assert refused.value.status == status


@pytest.mark.parametrize("byte", range(256))
def test_any_byte_anywhere_is_a_request_a_refusal_or_not_enough(byte: int) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    for at in range(len(head)):
        with contextlib.suppress(Refusal):
            parse(head[:at] + bytes([byte]) + head[at + 1 :])
