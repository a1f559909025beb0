"""TLS: who is trusted, and what is said of who is not."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.errors import ConfigProblem
from belabox_metrics.remote.access import Access
from belabox_metrics.remote.client import Client
from belabox_metrics.remote.settings import Remote
from belabox_metrics.remote.unreachable import Unreachable

from .conftest import Certificates, Server

Settings = Callable[..., Remote]
Serve = Callable[[ssl.SSLContext], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(context: ssl.SSLContext) -> Server:
        servers.append(Server(context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def tls(certificates: Certificates, **names: str) -> dict[str, str]:
    return {f"remote.tls.{key}": certificates.path(name) for key, name in names.items()}


def test_a_server_signed_by_the_configured_authority(
    settings: Settings, certificates: Certificates, serve: Serve
) -> None:
    server = serve(certificates.context("good"))
    client = Client(Access(settings(server.url, **tls(certificates, ca_file="ca.pem"))), 5)
    assert client.post(server.url, b"body", {}).status == 200
    assert client.post(server.url, b"body", {}).status == 200
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("shown", "ca_file", "reason"),
    [
        ("good", "", "unable to get local issuer certificate (whoever signed it goes into remote.tls.ca_file)"),
        ("self-signed", "", "self-signed certificate (whoever signed it"),
        ("self-signed", "ca.pem", "self-signed certificate (whoever signed it"),
        ("expired", "ca.pem", "certificate has expired (or is the clock of this box wrong?)"),
        ("other-name", "ca.pem", "IP address mismatch"),
        ("good", "self-signed.pem", "unable to get local issuer certificate"),
    ],
)
def test_a_server_that_is_not_trusted_gets_nothing(
    settings: Settings, certificates: Certificates, serve: Serve, shown: str, ca_file: str, reason: str
) -> None:
    server = serve(certificates.context(shown))
    more = tls(certificates, ca_file=ca_file) if ca_file else {}
    with pytest.raises(Unreachable) as caught:
        Client(Access(settings(server.url, **more)), 5).post(server.url, b"body", {})
    assert caught.value.what.startswith("its certificate is not trusted: ")
    assert f"its certificate is not trusted: {reason}" in str(caught.value).replace("self signed", "self-signed")
    assert caught.value.certificate
    assert server.requests == []


def test_the_configured_authority_is_for_the_configured_server(
    settings: Settings, certificates: Certificates, serve: Serve
) -> None:
    """Who only tells the time is trusted when the system says so."""
    server, clock = serve(certificates.context("good")), serve(certificates.context("good"))
    client = Client(Access(settings(server.url, **tls(certificates, ca_file="ca.pem"))), 5)
    assert client.get(server.url).status == 200
    with pytest.raises(Unreachable, match="not trusted"):
        client.get(clock.url)


def test_a_server_that_wants_a_certificate(settings: Settings, certificates: Certificates, serve: Serve) -> None:
    server = serve(certificates.context("good", demands=True))
    more = tls(certificates, ca_file="ca.pem", client_certificate="client.pem", client_key="client.key")
    assert Client(Access(settings(server.url, **more)), 5).post(server.url, b"body", {}).status == 200


@pytest.mark.parametrize("names", [{}, {"client_certificate": "self-signed.pem", "client_key": "self-signed.key"}])
def test_a_server_that_wants_another_certificate(
    settings: Settings, certificates: Certificates, serve: Serve, names: dict[str, str]
) -> None:
    server = serve(certificates.context("good", demands=True))
    more = tls(certificates, ca_file="ca.pem", **names)
    with pytest.raises(Unreachable) as caught:
        Client(Access(settings(server.url, **more)), 5).post(server.url, b"body", {})
    assert "the server refuses this box's certificate, or that there is none" in str(caught.value)
    assert caught.value.certificate
    assert server.requests == []


def test_a_server_without_tls(settings: Settings, server: Server) -> None:
    server.answer = lambda connection: connection.sendall(b"HTTP/1.1 400 x\r\n\r\n")
    url = server.url.replace("http:", "https:")
    with pytest.raises(Unreachable) as caught:
        Client(Access(settings(url)), 1).post(url, b"body", {})
    assert not caught.value.certificate
    assert "no answer in time" in str(caught.value) or "does not speak TLS" in str(caught.value)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"ca_file": "client.key"}, "client.key: is no file of certificates (PEM)"),
        ({"ca_file": "nothing.pem"}, "nothing.pem: can't be read: No such file"),
        ({"client_certificate": "client.pem", "client_key": "ca.key"}, "client.pem: key values mismatch"),
        ({"client_certificate": "client.pem", "client_key": "encrypted.key"}, "encrypted.key: is encrypted"),
        ({"client_certificate": "extensions", "client_key": "client.key"}, "extensions: "),
        ({"client_certificate": "nothing", "client_key": "client.key"}, "nothing can't be read: No such file"),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_files_that_are_none(
    settings: Settings, certificates: Certificates, serve: Serve, names: dict[str, str], said: str
) -> None:
    server = serve(certificates.context("good"))
    with pytest.raises(ConfigProblem) as caught:
        Client(Access(settings(server.url, **tls(certificates, **names))), 5).post(server.url, b"body", {})
    assert said in str(caught.value)
    assert server.connections == 0


def test_the_files_of_a_unit_are_those_that_it_was_handed(
    settings: Settings, certificates: Certificates, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, file in (("ca", "ca.pem"), ("client-certificate", "client.pem"), ("client-key", "client.key")):
        (tmp_path / name).write_bytes(Path(certificates.path(file)).read_bytes())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    server = serve(certificates.context("good", demands=True))
    keys = ("ca_file", "client_certificate", "client_key")
    remote = settings(server.url, **{f"remote.tls.{key}": f"/etc/nobody-may-read/{key}" for key in keys})
    assert Client(Access(remote), 5).post(server.url, b"body", {}).status == 200
