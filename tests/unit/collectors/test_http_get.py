from __future__ import annotations

import _socket
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Callable, Union

import pytest

from belabox_metrics import __version__, http_get
from belabox_metrics.errors import ConfigProblem, Problem, SourceProblem, TryLater
from belabox_metrics.http_get import Url, get

Serve = Callable[[Union[bytes, Callable[[socket.socket], None]]], str]
SECRET = "/tell-nobody"
OK = b"HTTP/1.1 200 OK\r\n"
# For what is to end by itself: on a busy machine it takes its time.
AMPLE_MS = 60_000


def short(value: object) -> str:
    return repr(value)[:60]


def ask(url: str, timeout_ms: int = AMPLE_MS, limit: int = http_get.LIMIT) -> str:
    return get(Url(url + SECRET), timeout_ms, limit)


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "authority"),
    [
        ("http://relay", "relay", 80, "/", "relay"),
        ("http://relay:8181/stats?publisher=a/b", "relay", 8181, "/stats?publisher=a/b", "relay:8181"),
        ("https://relay/x", "relay", 443, "/x", "relay"),
        ("https://relay:443/x", "relay", 443, "/x", "relay"),
        ("http://relay:443/x", "relay", 443, "/x", "relay:443"),
        ("http://relay?a=1", "relay", 80, "/?a=1", "relay"),
        ("http://relay:/x#part", "relay", 80, "/x", "relay"),
        ("http://[::1]:8080/x", "::1", 8080, "/x", "[::1]:8080"),
        ("http://[2001:db8::1]", "2001:db8::1", 80, "/", "[2001:db8::1]"),
        ("http://relay/x?to=http://other@place:1/", "relay", 80, "/x?to=http://other@place:1/", "relay"),
    ],
)
def test_urls(url: str, host: str, port: int, target: str, authority: str) -> None:
    taken = Url(url)
    assert (taken.host, taken.port, taken.target, taken.authority()) == (host, port, target, authority)


@pytest.mark.parametrize(
    "url",
    [
        *("", "relay", "relay:8181/SECRET", "ftp://relay/SECRET", "HTTP//relay/SECRET", "http:/relay/SECRET"),
        *(
            "http://",
            "http:///SECRET",
            "http://:80/SECRET",
            "http://relay:0/SECRET",
            "http://relay:65536/SECRET",
        ),
        *("http://relay:x/SECRET", "http://relay:-1/SECRET", "http://a:b:1/SECRET", "http://::1/SECRET"),
        *("http://[::1/SECRET", "http://[relay]/SECRET", "http://[::1]80/SECRET", "http://SECRET@relay/"),
        *("http://relay/SECRET\r\nHost: other", "http://relay/SEC RET", "http://relay/SECRET\x00"),
        *(
            "http://r\u00e9lay/SECRET",
            "http://relay/SECRET\u00e9",
            "http://re%6cay/SECRET",
            "http://re\\lay/SECRET",
        ),
        "http://" + "a" * 254 + "/SECRET",
    ],
)
def test_what_is_no_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigProblem) as caught:
        Url(url)
    assert "SECRET" not in str(caught.value)
    assert caught.value.exit_code == 78


def test_the_request(serve: Serve) -> None:
    asked: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(OK + b"\r\nhello")

    url = serve(answer)
    assert ask(url) == "hello"
    assert asked == [
        b"GET /tell-nobody HTTP/1.0\r\n"
        b"Host: " + url[len("http://") :].encode() + b"\r\n"
        b"User-Agent: belabox-metrics/" + __version__.encode() + b"\r\n"
        b"Accept: application/json\r\n"
        b"Connection: close\r\n\r\n"
    ]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/stats")
            self.end_headers()
            return
        body = b'{"path":"%s"}' % self.path.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_somebody_else_wrote() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            base = f"http://127.0.0.1:{server.server_address[1]}"
            assert get(Url(base + "/stats?x=1"), AMPLE_MS) == '{"path":"/stats?x=1"}'
            with pytest.raises(SourceProblem, match=r"HTTP 302 .*redirects are not followed"):
                get(Url(base + "/moved"), AMPLE_MS)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", ""),
        (b"HTTP/1.1 200\r\n\r\nx", "x"),
        (OK + b"Content-Length: 3\r\n\r\nabc", "abc"),
        (OK + b"content-LENGTH:3\r\nX: y\r\nX: z\r\n\r\nabcdef", "abc"),
        (OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "abc"),
        (OK + b"Content-Length: 0\r\n\r\nabc", ""),
        (OK + b"X: " + b"y" * 16_000 + b"\r\n\r\nabc", "abc"),
        (OK + b"\r\n" + b"7" * 65_536, "7" * 65_536),
        (OK + b"\r\n\xff\r\n\r\n", "\\xff\r\n\r\n"),
    ],
    ids=short,
)
def test_answers(serve: Serve, answer: bytes, body: str) -> None:
    assert ask(serve(answer)) == body


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (b"", SourceProblem, "closed without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", SourceProblem, "does not answer in HTTP"),
        (b"\x00\xff\r\n\r\n", SourceProblem, "does not answer in HTTP"),
        (b"HTTP/2 200 OK\r\n\r\n", SourceProblem, "does not answer in HTTP"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", SourceProblem, "does not answer in HTTP"),
        (b"HTTP/1.1 -20 OK\r\n\r\n", SourceProblem, "does not answer in HTTP"),
        (b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n", SourceProblem, "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: y", SourceProblem, "does not answer in HTTP"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", SourceProblem, "answers HTTP 204"),
        (
            b"HTTP/1.1 301 Moved\r\nLocation: http://other/\r\n\r\n",
            SourceProblem,
            "redirects are not followed",
        ),
        (b"HTTP/1.1 401 No /tell-nobody\r\n\r\n", SourceProblem, "answers HTTP 401"),
        (b"HTTP/1.1 404 No /tell-nobody\r\n\r\n", SourceProblem, "check the path"),
        (b"HTTP/1.1 429 Slow down\r\n\r\n", TryLater, "HTTP 429"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", TryLater, "HTTP 503"),
        (OK + b"no colon\r\n\r\n", SourceProblem, "header that can't be read"),
        (OK + b" folded: x\r\n\r\n", SourceProblem, "header that can't be read"),
        (OK + b"Content-Length : 3\r\n\r\nabc", SourceProblem, "header that can't be read"),
        (OK + b"Content-Length: -3\r\n\r\nabc", SourceProblem, "length that is no number"),
        (OK + b"Content-Length: \xb2\r\n\r\nabc", SourceProblem, "length that is no number"),
        (OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", SourceProblem, "two lengths"),
        (OK + b"Content-Length: 4\r\n\r\nabc", SourceProblem, "broke off"),
        (OK + b"Content-Length: 65537\r\n\r\n" + b"7" * 65_537, SourceProblem, "more than 65536 bytes"),
        (OK + b"Content-Length: 1073741824\r\n\r\nabc", SourceProblem, "more than 65536 bytes"),
        (OK + b"Content-Length: " + b"9" * 400 + b"\r\n\r\nabc", SourceProblem, "more than 65536 bytes"),
        (OK + b"\r\n" + b"7" * 65_537, SourceProblem, "more than 65536 bytes"),
        (OK + b"X: " + b"y" * 20_000 + b"\r\n\r\n", SourceProblem, "headers too long"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", SourceProblem, "transfer-encoding"),
        (OK + b"Content-Encoding: gzip\r\n\r\nabc", SourceProblem, "content-encoding"),
    ],
    ids=short,
)
def test_answers_of_no_use(serve: Serve, answer: bytes, kind: type[Problem], says: str) -> None:
    with pytest.raises(kind) as caught:
        ask(serve(answer))
    assert type(caught.value) is kind
    assert str(caught.value).startswith("127.0.0.1: ")
    assert says in str(caught.value)
    assert SECRET not in str(caught.value)


def hang(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.recv(1)


def trickle(connection: socket.socket) -> None:
    connection.recv(65536)
    for byte in OK + b"\r\n" + b"7" * 5000:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def pour(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(OK + b"\r\n")
    for _ in range(1024):
        connection.sendall(bytes(1 << 20))


def reset(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize(
    ("answer", "timeout_ms", "kind", "says"),
    [
        (hang, 300, TryLater, "timed out"),
        # All of it would take a minute and more, and be an answer.
        (trickle, 300, TryLater, "timed out|took too long"),
        # The time is not to be up before there is too much, however busy the machine.
        (pour, AMPLE_MS, SourceProblem, "more than 65536 bytes"),
        (reset, AMPLE_MS, TryLater, "no answer: Connection reset by peer"),
    ],
)
def test_servers_that_mean_ill(
    serve: Serve, answer: Callable[[socket.socket], None], timeout_ms: int, kind: type[Problem], says: str
) -> None:
    begun = time.monotonic()
    with pytest.raises(kind, match=says) as caught:
        ask(serve(answer), timeout_ms)
    # A time-out is counted in milliseconds: 300 of anything longer would be minutes.
    assert time.monotonic() - begun < AMPLE_MS / 1000
    assert SECRET not in str(caught.value)


def test_nobody_listens() -> None:
    # Bound, so that nobody else gets it meanwhile.
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(TryLater, match=r"127\.0\.0\.1: can't be reached: Connection refused"):
            ask(f"http://127.0.0.1:{port}")


def resolver(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> None:
    honest = _socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, family: int = 0, kind: int = 0, protocol: int = 0, flags: int = 0) -> Any:
        return honest(host, port, family, kind, protocol, flags) if flags else answer()

    monkeypatch.setattr(_socket, "getaddrinfo", getaddrinfo)


def test_a_name_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = threading.Event()
    answered: list[bool] = []

    def never() -> None:
        answered.append(given_up.wait(AMPLE_MS / 1000))

    resolver(monkeypatch, never)
    with pytest.raises(TryLater, match=r"relay\.invalid: no name server answers"):
        ask("http://relay.invalid", timeout_ms=200)
    assert answered == []
    given_up.set()


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (_socket.EAI_NONAME, SourceProblem, "no host has this name"),
        (_socket.EAI_AGAIN, TryLater, "its address can't be found: not now"),
    ],
)
def test_a_name_that_is_not_found(monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Problem], says: str) -> None:
    def fail() -> None:
        raise _socket.gaierror(code, "not now")

    resolver(monkeypatch, fail)
    with pytest.raises(kind, match=says) as caught:
        ask("http://relay.invalid")
    assert SECRET not in str(caught.value)


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    port = int(serve(OK + b"\r\nhello").rpartition(":")[2])
    dead = [
        (9999, 1, 6, "", ("x", 1)),
        (_socket.AF_INET6, 1, 6, "", ("::1", 1, 0, 0)),
        (_socket.AF_INET, 1, 6, "", ("127.0.0.1", 1)),
    ]
    resolver(monkeypatch, lambda: [*dead, (_socket.AF_INET, 1, 6, "", ("127.0.0.1", port))])
    assert ask("http://relay.invalid") == "hello"


def test_an_address_that_swallows_everything_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    good = int(serve(OK + b"\r\nhello").rpartition(":")[2])
    callers = [socket.socket() for _ in range(3)]
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        place = full.getsockname()
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(place)
        resolver(monkeypatch, lambda: [(_socket.AF_INET, 1, 6, "", at) for at in (place, ("127.0.0.1", good))])
        given: list[float] = []

        class Hasty(_socket.socket):
            def settimeout(self, seconds: float | None) -> None:
                assert seconds is not None
                given.append(seconds)
                # The first one's is waited for in vain.
                super().settimeout(seconds if given[1:] else 0.3)

        monkeypatch.setattr(_socket, "socket", Hasty)
        assert ask("http://relay.invalid") == "hello"
    assert 0 < given[0] <= AMPLE_MS / 2000
    for caller in callers:
        caller.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes the certificate")
def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = str(tmp_path / "key"), str(tmp_path / "certificate")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = Url(f"https://127.0.0.1:{server.server_address[1]}{SECRET}")
            with pytest.raises(SourceProblem, match=r"127\.0\.0\.1: its certificate is not trusted"):
                get(url, AMPLE_MS)
            monkeypatch.setenv("SSL_CERT_FILE", certificate)
            assert get(url, AMPLE_MS) == '{"path":"/tell-nobody"}'
        finally:
            server.shutdown()
            thread.join()


def test_tls_to_a_server_without_it(serve: Serve) -> None:
    with pytest.raises(TryLater, match="no answer"):
        get(Url(serve(OK + b"\r\n").replace("http", "https")), AMPLE_MS)


def test_tls_to_a_server_that_hangs(serve: Serve) -> None:
    begun = time.monotonic()
    with pytest.raises(TryLater, match=r"no answer: .*timed out"):
        get(Url(serve(hang).replace("http", "https")), 300)
    assert time.monotonic() - begun < AMPLE_MS / 1000
