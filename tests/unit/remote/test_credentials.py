"""Secrets: what is taken for one, who gets it, and that nothing ever shows it."""

from __future__ import annotations

import html
import json
import os
import socket
import subprocess
import sys
import traceback
from base64 import b64encode
from pathlib import Path
from typing import Callable
from urllib.parse import quote

import pytest

from belabox_metrics.errors import ConfigProblem
from belabox_metrics.remote import credentials
from belabox_metrics.remote.access import Access
from belabox_metrics.remote.client import Client
from belabox_metrics.remote.settings import Remote

from .conftest import OK, Server

Settings = Callable[..., Remote]
LIB = Path(__file__).parents[3] / "lib"
CANARY = "canary-9f2c"


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which systemd would put what it hands to a unit."""
    directory = tmp_path / "credentials"
    directory.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(directory))
    return directory


@pytest.mark.parametrize(
    ("auth", "content", "header"),
    [
        ({"type": "bearer_token"}, b"canary\n", "Authorization: Bearer canary"),
        ({"type": "bearer_token"}, b"canary", "Authorization: Bearer canary"),
        ({"type": "bearer_token"}, b"canary\r\n", "Authorization: Bearer canary"),
        ({"type": "bearer_token"}, b"c" * 4096 + b"\n", "Authorization: Bearer " + "c" * 4096),
        ({"type": "basic", "username": "box"}, b"pass word:%\n", "Authorization: Basic Ym94OnBhc3Mgd29yZDol"),
        (
            {"type": "basic", "username": "Käse"},
            b"x",
            f"Authorization: Basic {b64encode('Käse:x'.encode()).decode()}",
        ),
        ({"type": "header", "header": "X-API-Key"}, b"a b\n", "X-API-Key: a b"),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else None,
)
def test_the_server_is_shown_who_we_are(
    settings: Settings, server: Server, handed: Path, auth: dict[str, str], content: bytes, header: str
) -> None:
    (handed / "api-token").write_bytes(content)
    remote = settings(server.url, **{f"remote.auth.{key}": value for key, value in auth.items()})
    Client(Access(remote), 5).post(server.url, b"", {})
    assert header in server.requests[0].decode().split("\r\n")


def test_without_auth_nothing_is_read_or_said(settings: Settings, server: Server, handed: Path) -> None:
    (handed / "api-token").write_text(CANARY)
    Client(Access(settings(server.url)), 5).post(server.url, b"", {})
    assert CANARY not in server.requests[0].decode()


def test_only_the_servers_it_is_for_get_the_secret(settings: Settings, server: Server, handed: Path) -> None:
    (handed / "api-token").write_text(CANARY)
    queried, clock = Server(), Server()
    remote = settings(server.url, **{"remote.auth.type": "bearer_token", "remote.query_url": queried.url})
    client = Client(Access(remote), 5)
    for asked in (server, queried, clock, server):
        client.get(asked.url)
    assert [CANARY in str(asked.requests) for asked in (server, queried, clock)] == [True, True, False]
    assert CANARY in str(server.requests[1])
    queried.close()
    clock.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty (put the token there"),
        (b"\n", "is empty"),
        (b" \t\r\n", "is empty"),
        (b"canary" + b"c" * 4096, "is longer than 4096 bytes"),
        (b"canary" * 100_000, "is longer than 256 KB"),
        (b"canary\r\nX-Other: canary", "is not one line of printable ASCII"),
        (b"canary\n\ncanary\n", "is not one line"),
        (b"canary\x00", "is not one line"),
        (b"canary\x7f", "is not one line"),
        ("canary-ü".encode(), "is not one line"),
        (b"\xff\xfecanary", "is not one line"),
        (b" canary", "has blanks around the secret"),
        (b"Bearer canary", "has a blank in the token (the word Bearer is not part of it)"),
        (None, "was not handed to this unit (run belabox-metrics apply as root)"),
    ],
    ids=[
        "empty",
        "newline",
        "blanks",
        "long",
        "very long",
        "header",
        "lines",
        "nul",
        "del",
        "umlaut",
        "bytes",
        "blank before",
        "with Bearer",
        "missing",
    ],
)
def test_what_is_no_secret_is_refused_without_showing_it(
    settings: Settings, server: Server, handed: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (handed / "api-token").write_bytes(content)
    access = Access(settings(server.url, **{"remote.auth.type": "bearer_token"}))
    with pytest.raises(ConfigProblem) as caught:
        Client(access, 5).post(server.url, b"", {})
    assert str(caught.value).startswith(f"{credentials.TOKEN_FILE}: {said}")
    assert server.connections == 0
    assert "canary" not in "".join(traceback.format_exception(None, caught.value, caught.value.__traceback__))


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", b"rubbish\r\n\r\n", OK],
    ids=["401", "no HTTP", "200"],
)
def test_no_object_shows_the_secret(settings: Settings, server: Server, handed: Path, answer: bytes) -> None:
    (handed / "api-token").write_text(CANARY)
    server.answer = lambda connection: connection.sendall(answer)
    access = Access(settings(server.url, **{"remote.auth.type": "bearer_token"}))
    client = Client(access, 5)
    shown = [repr(access), repr(client)]
    try:
        reply = client.post(server.url, b"", {})
        shown += [repr(reply), str(reply.headers)]
    except Exception as error:  # whatever it is
        shown += traceback.format_exception(None, error, error.__traceback__)
        shown += [repr(error), str(error), repr(error.__cause__), repr(error.__context__)]
    assert CANARY in str(server.requests)
    assert CANARY not in "".join(shown)


@pytest.mark.parametrize("kind", ["bearer_token", "basic", "header"])
def test_a_server_that_repeats_the_secret_is_not_quoted(
    settings: Settings, server: Server, handed: Path, kind: str
) -> None:
    (handed / "api-token").write_text(CANARY)

    def repeat(connection: socket.socket) -> None:
        said = server.requests[-1] + CANARY.encode()
        connection.sendall(b"HTTP/1.1 401 x\r\nContent-Length: %d\r\n\r\n" % len(said) + said)

    server.answer = repeat
    more = {"remote.auth.type": kind, "remote.auth.username": "box", "remote.auth.header": "X-Key"}
    reply = Client(Access(settings(server.url, **more)), 5).post(server.url, b"", {})
    assert b"Host: 127.0.0.1" in reply.body
    assert CANARY.encode() not in reply.body
    assert b64encode(f"box:{CANARY}".encode()) not in reply.body


SECRET = CANARY + "/b+c\"d\\e&<f>'g=\x7e%2"
SPELLINGS = {
    "as it is": SECRET,
    "JSON": json.dumps(SECRET),
    "JSON of PHP": json.dumps(SECRET).replace("/", "\\/"),
    "JSON of Go": json.dumps(SECRET).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003E"),
    "HTML": html.escape(SECRET),
    "HTML of Go": html.escape(SECRET).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "a URL": quote(SECRET, safe=""),
    "a URL in small letters": quote(SECRET, safe="").replace("%2F", "%2f"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_server_that_spells_the_secret_in_its_own_way_is_not_quoted(
    settings: Settings, server: Server, handed: Path, spelling: str
) -> None:
    (handed / "api-token").write_text(SECRET)
    said = f'{{"error": "no such token: {SPELLINGS[spelling]}, go away"}}'.encode()
    server.answer = lambda connection: connection.sendall(
        b"HTTP/1.1 401 x\r\nContent-Length: %d\r\n\r\n" % len(said) + said
    )
    reply = Client(Access(settings(server.url, **{"remote.auth.type": "bearer_token"})), 5).post(server.url, b"", {})
    assert CANARY.encode() not in reply.body
    assert b"no such token: " in reply.body
    assert b", go away" in reply.body


def test_a_server_that_repeats_the_url_is_not_quoted(settings: Settings, server: Server) -> None:
    def repeat(connection: socket.socket) -> None:
        said = f"no {CANARY}/x here, nor a: ".encode() + server.requests[-1]
        connection.sendall(b"HTTP/1.1 404 x\r\nContent-Length: %d\r\n\r\n" % len(said) + said)

    server.answer = repeat
    url = f"{server.url}?key={CANARY}%2Fx&tenant=a"
    reply = Client(Access(settings(url)), 5).post(url, b"", {})
    assert CANARY.encode() not in reply.body
    assert b"no ... here, nor a: POST /api/v1/import?... HTTP/1.1" in reply.body


BY_HAND = """
import os, sys
sys.path.insert(0, sys.argv[1])
from belabox_metrics.owner import As
from belabox_metrics.remote import credentials, handover
files = {"api-token": sys.argv[2], "client-key": sys.argv[2] + ".missing"}
if sys.argv[3] == "handed over":
    handover.hand_over(files)
with As("nobody"):
    assert os.geteuid() != 0
    try:
        print(credentials.Credentials(files).token())
    except Exception as problem:
        print(problem)
    try:
        print(credentials.Credentials(files).bytes("client-key"))
    except Exception as problem:
        print(problem)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_reads_the_secret_before_it_becomes_somebody_else(tmp_path: Path) -> None:
    secret = tmp_path / "api-token"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    environment = {key: value for key, value in os.environ.items() if key != "CREDENTIALS_DIRECTORY"}

    def run(how: str) -> list[str]:
        command = [sys.executable, "-c", BY_HAND, str(LIB), str(secret), how]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    assert run("handed over")[0] == CANARY
    assert run("handed over")[1].startswith(f"{secret}.missing: can't be read: ")
    assert run("not handed over")[0].startswith(f"{secret}: can't be read: Permission denied (use sudo)")
