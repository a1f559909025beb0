"""Whatever a server answers: verify says so in a sentence, and what was not seen whole is neither missing nor there."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from belabox_metrics.verify import export

from .conftest import Answer, Box, Server, chunked, head, says, sized

UNREACHABLE, UNFIT = 75, 78
GZIP = "Content-Encoding: gzip"
LINE = b'{"metric":{"__name__":"a_value","device_id":"box"},"values":[1.5],"timestamps":[1700000000000]}\n'


def test_an_honest_server_is_believed_however_it_sends(
    box: Box, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = box.exported()
    for bodies in (
        [sized(first), sized(second)],
        [chunked(first), chunked(second)],
        [chunked(gzip.compress(first), GZIP), sized(gzip.compress(second), GZIP)],
        # A series in several parts, a series of another box, labels in another order.
        [sized(first.replace(b'"values":[1.5]', b'"values":[1.50]') + LINE.replace(b"box", b"other")), chunked(second)],
    ):
        server.requests.clear()
        server.answers = [says(body) for body in bodies]
        assert box.verify() == 0, capsys.readouterr()
        assert "all 4 samples that were sent are on" in capsys.readouterr().out
    request = server.requests[0].decode()
    assert request.startswith("GET /api/v1/export?match%5B%5D=%7Bdevice_id%3D%22box%22%7D&start=")
    assert "reduce_mem_usage" not in request


def test_what_a_server_does_not_have_is_missing(box: Box, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = box.exported()
    server.answers = [says(chunked(first)), says(sized(b""))]
    assert box.verify() == 1
    assert "2 of 4 samples that were sent are missing" in capsys.readouterr().out


def test_the_second_in_which_two_hours_meet_counts_once(
    box: Box, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = box.exported()
    # To the server the end of a range is part of it, and the second run was at the full hour.
    server.answers = [says(sized(first + second)), says(sized(second))]
    assert box.verify("--json") == 0
    assert json.loads(capsys.readouterr().out)["total"]["on_server"] == 4


def page(status: str) -> bytes:
    return sized(b"<html>log in</html>", "Content-Type: text/html", status=status)


def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join([packer.compress(b" " * 2**20) for _ in range(32)]) + packer.flush()


def unended() -> bytes:
    """All of a line, and no end of the gzip that it is in."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return packer.compress(LINE) + packer.flush(zlib.Z_SYNC_FLUSH)


def changed(old: str, new: str) -> bytes:
    return LINE.replace(old.encode(), new.encode())


ANSWERS: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", UNREACHABLE, "closed the connection without an answer"),
    ("no http", b"SSH-2.0-OpenSSH_9.2\r\n", UNREACHABLE, "does not answer in HTTP"),
    ("cut in a chunk", chunked(LINE)[:-30], UNREACHABLE, "in the middle of its answer"),
    ("cut between chunks", chunked(LINE, end=b""), UNREACHABLE, "in the middle of its answer"),
    ("less than announced", sized(LINE, length=len(LINE) + 1), UNREACHABLE, "in the middle of its answer"),
    ("cut before a proxy", chunked(LINE[:-20]), UNREACHABLE, "in the middle of its answer"),
    ("gzip cut before a proxy", chunked(gzip.compress(LINE)[:-12], GZIP), UNREACHABLE, "in the middle of its answer"),
    ("gzip cut after a line", chunked(unended(), GZIP), UNREACHABLE, "in the middle of its answer"),
    ("no end", head() + LINE, UNFIT, "does not tell where it ends"),
    ("no gzip", chunked(LINE, GZIP), UNFIT, "not the gzip that it says"),
    ("a login page", page("200 OK"), UNFIT, "web page"),
    ("a page of a proxy", page("502 Bad Gateway"), UNREACHABLE, "the server answered 502"),
    ("busy", sized(b"too many\nrequests", status="429 Slow"), UNREACHABLE, "the server answered 429: too many ("),
    ("broken", sized(gzip.compress(b"no disk"), GZIP, status="500 E"), UNREACHABLE, "the server answered 500: no disk"),
    ("no token", sized(b"", status="401 Unauthorized"), UNFIT, "the token right?"),
    ("not to read", sized(b"", status="403 Forbidden"), UNFIT, "may this token read?"),
    ("prometheus", sized(b"404 page not found", status="404 Not Found"), UNFIT, "needs a VictoriaMetrics"),
    ("a redirect", sized(b"", "Location: /", status="302 Found"), UNFIT, "a redirect is not followed"),
    ("words", sized(b"hello\n"), UNFIT, "not what VictoriaMetrics exports"),
    ("another format", sized(b'{"status":"success","data":[]}\n'), UNFIT, "not what VictoriaMetrics exports"),
    ("a list", sized(b"[]\n"), UNFIT, "not what VictoriaMetrics exports"),
    ("fewer values", sized(changed("[1.5]", "[]")), UNFIT, "not what VictoriaMetrics exports"),
    ("labels of numbers", sized(changed('"a_value"', "7")), UNFIT, "not what VictoriaMetrics exports"),
    ("no time", sized(changed("1700000000000", "null")), UNFIT, "not what VictoriaMetrics exports"),
    ("time as a text", sized(changed("1700000000000", '"1700000000000"')), UNFIT, "not what VictoriaMetrics exports"),
    ("time without end", sized(changed("1700000000000", "1e999")), UNFIT, "not what VictoriaMetrics exports"),
    ("depth", sized(b"[" * 100_000 + b"\n"), UNFIT, "not what VictoriaMetrics exports"),
    ("no utf-8", sized(b'{"metric":{"\xff":""},"values":[],"timestamps":[]}\n'), UNFIT, "not what Victoria"),
    ("a line without end", sized(b"x" * (export.LONGEST_LINE + 2)), UNFIT, "a line of more than 4 MB"),
    ("a bomb", chunked(bomb(), GZIP), UNFIT, "a line of more than 4 MB"),
]


@pytest.mark.parametrize(("data", "code", "words"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
@pytest.mark.parametrize("first", ["at once", "in the second hour"])
def test_an_answer_that_can_not_be_believed(
    box: Box, server: Server, capsys: pytest.CaptureFixture[str], data: bytes, code: int, words: str, first: str
) -> None:
    good = says(sized(box.exported()[0]))
    server.answers = [says(data, leaves=True)] if first == "at once" else [good, says(data, leaves=True)]
    assert box.verify("--repair") == code
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert told.err.count("\n") == 1
    assert f"127.0.0.1:{server.port}/api/v1/export" in told.err
    assert box.backlog() == 0


NUMBERS: list[tuple[str, str]] = [
    ("null", "null"),
    ("text", '"Infinity"'),
    ("another", "1.6"),
    ("a million digits", "1" * 1_000_000),
    ("true", "true"),
]


@pytest.mark.parametrize("number", [number for _, number in NUMBERS], ids=[name for name, _ in NUMBERS])
def test_a_value_that_is_none_is_another_value(
    box: Box, server: Server, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    first, second = box.exported()
    server.answers = [says(sized(first.replace(b"[1.5]", f"[{number}]".encode()))), says(sized(second))]
    assert box.verify("--json") == 1
    total = json.loads(capsys.readouterr().out)["total"]
    assert (total["missing"], total["different"], total["on_server"]) == (0, 1, 4)


def trickle(server: Server, data: bytes, repeats: bytes) -> Answer:
    """`data`, then `repeats` byte by byte for ever, none of them late."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(data)
        while not server.stopped.wait(0.02):
            connection.sendall(repeats)

    return answer


SLOW: list[tuple[str, Callable[[Server], Answer]]] = [
    ("silence", lambda server: trickle(server, b"", b"")),
    ("a head without end", lambda server: trickle(server, b"HTTP/1.1 200 OK\r\nX: ", b"x")),
    ("a body without end", lambda server: trickle(server, head("Content-Length: 99999999"), b" ")),
    ("chunks without end", lambda server: trickle(server, head("Transfer-Encoding: chunked"), b"1\r\n\n\r\n")),
    ("lines without end", lambda server: trickle(server, head("Content-Length: 99999999"), LINE * 500)),
]


@pytest.mark.parametrize("slow", [slow for _, slow in SLOW], ids=[name for name, _ in SLOW])
def test_a_server_can_not_hold_verify_for_ever(
    box: Box,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    slow: Callable[[Server], Answer],
) -> None:
    monkeypatch.setattr(export, "REQUEST_S", 0.5)
    server.answers = [slow(server)]
    assert box.verify() == UNREACHABLE
    assert "no whole answer in 0.5 s" in capsys.readouterr().err


def test_nobody_listens(box: Box, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as chooser:
        chooser.bind(("127.0.0.1", 0))
        box.configure(url=f"http://127.0.0.1:{chooser.getsockname()[1]}/api/v1/import")
        assert box.verify() == UNREACHABLE
    assert "Connection refused" in capsys.readouterr().err


def test_who_we_are_goes_to_the_server_that_is_asked(
    box: Box, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "api-token").write_text("secret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    other = f"http://127.0.0.1:{server.port}/select/7/prometheus?tenant=a"
    box.configure(auth__type="bearer", url="http://127.0.0.1:9/insert/7/prometheus/api/v1/import", query_url=other)
    server.answers = [says(sized(body)) for body in box.exported()]
    assert box.verify() == 0
    request = server.requests[0].decode()
    assert request.startswith("GET /select/7/prometheus/api/v1/export?tenant=a&match")
    assert "Authorization: Bearer secret\r\n" in request
