"""What a server can do to a request: it ends in time, with an answer or the reason why there is none."""

from __future__ import annotations

import _socket
import gzip
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.remote.access import Access
from belabox_metrics.remote.client import BODY_LIMIT, Client, Reply
from belabox_metrics.remote.settings import Remote
from belabox_metrics.remote.unreachable import Unreachable

from .conftest import OK, Answer, Server

Settings = Callable[..., Remote]
LIB = Path(__file__).parents[3] / "lib"


# For what is to end by itself: on a busy machine it takes its time.
AMPLE_S = 60
# Of what may fail where the machine is busy: one that is well is enough.
TRIES = 20


def client(remote: Remote, timeout_s: float = AMPLE_S) -> Client:
    return Client(Access(remote), timeout_s)


def post(settings: Settings, server: Server, timeout_s: float = AMPLE_S) -> Reply:
    return client(settings(server.url), timeout_s).post(server.url, b"body", {})


def says(*pieces: bytes, then: str = "waits") -> Answer:
    """Send `pieces`, then close or wait for the client's next move."""

    def answer(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
        if then == "closes":
            connection.shutdown(socket.SHUT_RDWR)

    return answer


def endless(first: bytes, more: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(more)

    return answer


def drips(connection: socket.socket) -> None:
    """No single wait is long, all of them together are."""
    for _ in range(10_000):
        connection.sendall(b"x")
        threading.Event().wait(0.05)


HEAD = b"HTTP/1.1 200 OK\r\n"
LENGTH_9 = HEAD + b"Content-Length: 9\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NOT_HTTP = "the server does not answer in HTTP"
MIDDLE = "the server closed the connection in the middle of its answer"
IN_VAIN, NOT_WHOLE = "no answer in time", "no whole answer in 1 s"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (says(then="closes"), "the server closed the connection without an answer"),
        (says(b"", then="waits"), IN_VAIN),
        (says(b"HTTP/1.1 2"), IN_VAIN),
        (drips, NOT_WHOLE),
        (says(b"HTTP/1.1 204 No Cont", then="closes"), MIDDLE),
        (says(b"HTTP/1.1 204 No Content\r\n", then="closes"), MIDDLE),
        (says(b"HTTP/1.1 204 No Content\r\nDate: Sun, 22 Nov 2026", then="closes"), MIDDLE),
        (says(b"HTTP/1.1 100 Continue\r\n", then="closes"), MIDDLE),
        (says(LENGTH_9 + b"part", then="closes"), MIDDLE),
        (says(CHUNKED + b"5\r\npar", then="closes"), MIDDLE),
        (says(CHUNKED + b"5\r\nparts\r\n", then="closes"), MIDDLE),
        (says(CHUNKED + b"zz\r\nparts\r\n0\r\n\r\n"), MIDDLE),
        (says(CHUNKED + b"-5\r\nparts\r\n0\r\n\r\n"), MIDDLE),
        (says(CHUNKED + b"f" * 70_000), NOT_HTTP),
        (says(LENGTH_9 + b"part"), IN_VAIN),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), NOT_HTTP),
        (says(b"\x00\xff" * 50_000 + b"\r\n"), NOT_HTTP),
        (says(b"\x16\x03\x01\x02\x00\x01" + bytes(600), then="closes"), NOT_HTTP),
        (says(b"<html>HTTP/0.9 has no head</html>\n", then="closes"), NOT_HTTP),
        (says(b"HTTP/1.1 two hundred\r\n\r\n"), NOT_HTTP),
        (says(b"HTTP/1.1 99 too few\r\n\r\n"), NOT_HTTP),
        (says(b"HTTP/9.9 200 OK\r\n\r\n", then="closes"), NOT_HTTP),
        (says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + OK), NOT_HTTP),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), NOT_WHOLE),
        (endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), NOT_WHOLE),
        (endless(HEAD, b"X-Header: value\r\n"), NOT_HTTP),
        (endless(HEAD + b"X-Header: ", b"x" * 65536), NOT_HTTP),
        (endless(b"HTTP/1.1 200 ", b"x" * 65536), NOT_HTTP),
    ],
    ids=[
        "closes at once",
        "says nothing",
        "stops in the status",
        "a byte at a time",
        "closes in the status",
        "closes behind the status",
        "closes in a header",
        "closes in what goes before",
        "closes in the body",
        "closes in a chunk",
        "closes between chunks",
        "a chunk of zz",
        "a chunk of -5",
        "a chunk without end of its length",
        "stops in the body",
        "SSH",
        "bytes",
        "TLS",
        "HTTP/0.9",
        "status in words",
        "status 99",
        "HTTP/9.9",
        "101",
        "100 without end",
        "103 without end",
        "headers without end",
        "a header without end",
        "a status without end",
    ],
)
def test_no_answer_has_a_reason(settings: Settings, server: Server, answer: Answer, said: str) -> None:
    server.answer = answer
    with pytest.raises(Unreachable) as caught:
        post(settings, server, timeout_s=0.5 if said in (IN_VAIN, NOT_WHOLE) else AMPLE_S)
    prefix, _, words = str(caught.value).partition(": ")
    assert prefix == f"http://127.0.0.1:{server.port}/api/v1/import"
    # Where the machine is busy both times may be up at once.
    assert words in ((IN_VAIN, NOT_WHOLE) if said == IN_VAIN else (said,))
    assert not caught.value.certificate
    assert caught.value.exit_code == 75


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (says(OK), 200, b"ok"),
        (says(b"HTTP/1.1 204 No Content\r\n\r\n"), 204, b""),
        (says(b"HTTP/1.1 100 Continue\r\n\r\n", OK), 200, b"ok"),
        (says(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", OK), 200, b"ok"),
        (says(b"HTTP/1.0 200 OK\r\n\r\nuntil the end", then="closes"), 200, b"until the end"),
        (says(CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n"), 200, b"abcde"),
        (says(HEAD + b"Content-Length: none\r\n\r\nab", then="closes"), 200, b"ab"),
        (says(HEAD + b"Content-Length: -1\r\n\r\nab", then="closes"), 200, b"ab"),
        (
            says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 22\r\n\r\n" + gzip.compress(b"ok", mtime=0)),
            200,
            gzip.compress(b"ok", mtime=0),
        ),
        (says(HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000), 200, b"x" * BODY_LIMIT),
        (endless(HEAD + b"\r\n", b"x" * 65536), 200, b"x" * BODY_LIMIT),
        (endless(CHUNKED, b"10\r\n" + b"x" * 16 + b"\r\n"), 200, b"x" * BODY_LIMIT),
    ],
    ids=[
        "ok",
        "204",
        "100 first",
        "102 and 103 first",
        "until the end",
        "chunks",
        "length none",
        "length -1",
        "gzip",
        "long",
        "without end",
        "chunks without end",
    ],
)
def test_an_answer_is_what_was_said_up_to_a_limit(
    settings: Settings, server: Server, answer: Answer, status: int, body: bytes
) -> None:
    server.answer = answer
    reply = post(settings, server)
    assert (reply.status, reply.body) == (status, body)
    assert (reply.bytes_sent, reply.bytes_received) == (4, len(body))


def test_headers_go_by_small_letters_and_the_first_counts(settings: Settings, server: Server) -> None:
    server.answer = says(
        b"HTTP/1.1 503\r\nRETRY-after: 7\r\nRetry-After: 9\r\nX: \xe4\x01\r\nContent-Length: 0\r\n\r\n"
    )
    headers = post(settings, server).headers
    assert headers["retry-after"] == "7"


def test_an_answer_before_the_end_of_the_request_counts(settings: Settings, server: Server) -> None:
    """A server that wants no more of a body says so and hangs up; what is on its way then breaks."""

    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    accepted: list[socket.socket] = []

    def serve() -> None:
        connection = listener.accept()[0]
        accepted.append(connection)
        connection.recv(1000)
        refuse(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    reply = client(settings(url)).post(url, bytes(20_000_000), {})
    thread.join()
    listener.close()
    assert reply.status == 413


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_nothing_goes_where_it_leads(
    settings: Settings, server: Server, status: int
) -> None:
    other = Server()
    server.answer = says(b"HTTP/1.1 %d x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, other.url.encode()))
    assert post(settings, server).status == status
    assert other.connections == 0
    other.close()


def test_no_proxy_of_the_environment_is_asked(
    settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Server()
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}/")
    assert post(settings, server).status == 200
    assert other.connections == 0
    assert b"authorization" not in server.requests[0].lower()
    other.close()


def test_nobody_listens(settings: Settings) -> None:
    # Bound, so that nobody else gets it meanwhile.
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(Unreachable, match=r"^http://127\.0\.0\.1:[0-9]+/: Connection refused$"):
            client(settings(url)).get(url)


def test_a_server_too_busy_to_take_a_connection(settings: Settings) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        with pytest.raises(Unreachable, match="no connection in time"):
            client(settings(url), 0.3).get(url)
        for one in waiting:
            one.close()


def test_a_resolver_that_hangs_is_left_behind(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """No signal ends getaddrinfo(3): it goes on waiting when it was interrupted."""
    release = threading.Event()

    def hang(_host: bytes, *_rest: object) -> list[object]:
        if threading.current_thread() is threading.main_thread():
            raise socket.gaierror(socket.EAI_NONAME, "no number")
        release.wait()
        return []

    monkeypatch.setattr(_socket, "getaddrinfo", hang)
    with pytest.raises(Unreachable, match=r"^http://metrics\.example/: no name server answers$"):
        client(settings("http://metrics.example/"), 0.3).get("http://metrics.example/")
    release.set()


def test_an_unknown_name_is_told_as_such(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="the name of the server is not known: Name or service not known"):
        client(settings("http://metrics.example/")).get("http://metrics.example/")


def test_requests_share_a_connection(settings: Settings, server: Server) -> None:
    one = client(settings(server.url))
    for _ in range(3):
        one.post(server.url, b"body", {})
    one.get(server.url)
    assert (len(server.requests), server.connections) == (4, 1)


@pytest.mark.parametrize(
    "answer",
    [
        says(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", then="closes"),
        says(OK, then="closes"),
        says(HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000),
    ],
    ids=["announced", "not announced", "not read to its end"],
)
def test_a_connection_that_is_no_good_any_more_is_made_anew(settings: Settings, server: Server, answer: Answer) -> None:
    one = client(settings(server.url))
    server.answer = answer
    assert one.post(server.url, b"first", {}).status == 200
    # What the server does after its answer must have arrived.
    wait_readable(one)
    server.answer = says(OK)
    assert one.post(server.url, b"second", {}).status == 200
    assert server.connections == 2
    assert [request[-5:] for request in server.requests] == [b"first", b"econd"]


def wait_readable(one: Client) -> None:
    connection = one._connection
    while connection is not None and connection.is_idle():
        threading.Event().wait(0.01)


def test_a_request_without_an_answer_is_not_sent_again(settings: Settings, server: Server) -> None:
    """It may have been stored, and only who made it can tell whether twice does harm."""
    one = client(settings(server.url))
    one.post(server.url, b"first", {})
    server.answer = says(then="closes")
    with pytest.raises(Unreachable, match="without an answer"):
        one.post(server.url, b"second", {})
    assert len(server.requests) == 2
    server.answer = says(OK)
    assert one.post(server.url, b"third", {}).status == 200


def test_a_request_is_paced_by_the_kernel_and_the_next_is_not(settings: Settings, server: Server) -> None:
    one = client(settings(server.url))
    one.post(server.url, b"", {})
    paced = one.post(server.url, bytes(600_000), {}, bytes_per_second=600_000)
    # The first bytes leave in one burst, so it is less than a second.
    assert paced.duration_ms > 300
    free = (one.post(server.url, bytes(600_000), {}).duration_ms for _ in range(TRIES))
    assert any(duration_ms < paced.duration_ms / 3 for duration_ms in free)
    assert server.connections == 1


def test_pacing_counts_not_as_the_servers_slowness(settings: Settings, server: Server) -> None:
    one = client(settings(server.url), timeout_s=0.3)
    for left in reversed(range(TRIES)):
        try:
            paced = one.post(server.url, bytes(900_000), {}, bytes_per_second=600_000)
            break
        except Unreachable:
            if not left:
                raise
    assert paced.duration_ms > 600


MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from belabox_metrics.remote.access import Access
from belabox_metrics.remote.client import Client
from belabox_metrics.remote.unreachable import Unreachable

class Nobody:
    url = query_url = sys.argv[2]
    auth_type, ca_file, client_certificate, client_key = "none", "", "", ""

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(20):
    try:
        Client(Access(Nobody()), 5).get(sys.argv[2])
    except Unreachable:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(
    "answer",
    [
        endless(HEAD + b"\r\n", b"x" * 65536),
        endless(HEAD + b"Content-Length: 1000000000\r\n\r\n", b"x" * 65536),
        endless(CHUNKED, b"FFFFFF\r\n" + b"x" * 0xFFFFFF + b"\r\n"),
        endless(CHUNKED + b"-1\r\n", b"x" * 65536),
        endless(HEAD, b"X: " + b"y" * 60_000 + b"\r\n"),
        endless(HEAD + b"X: ", b"x" * 65536),
    ],
    ids=["body", "1 GB", "large chunks", "a chunk of -1", "headers", "a header"],
)
def test_memory_stays_bounded(server: Server, answer: Answer) -> None:
    server.answer = answer
    command = [sys.executable, "-c", MEMORY, str(LIB), server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    grown_kb = int(done.stdout)
    # A hundred headers of 64 KB is what http.client takes before it gives up.
    assert grown_kb < 32 * 1024
