"""Servers that do to a connection what a function says, settings as a job reads them, and certificates."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Callable, Union

import pytest

from belabox_metrics.remote.settings import Remote
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

Answer = Callable[[socket.socket], None]
Setting = Union[str, int, float]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def read_request(connection: socket.socket) -> bytes:
    """One whole request, b"" when the client has left."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


class Server:
    """`answer` is called with each connection after each of its requests; `requests` are these, in order."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.answer: Answer = lambda connection: connection.sendall(OK)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/api/v1/import"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        # close() alone would leave accept() waiting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._speak, args=(connection,), daemon=True).start()

    def _speak(self, plain: socket.socket) -> None:
        with suppress(OSError), plain:
            connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with connection:
                while request := read_request(connection):
                    self.requests.append(request)
                    self.answer(connection)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Remote]:
    """`settings(url, **{"remote.auth.type": "basic"})`: a Remote from a database."""

    def read(url: str, **more: Setting) -> Remote:
        store = Store(str(tmp_path / "metrics.db"))
        rows: list[tuple[str, str, int, Setting]] = [
            ("device", "id", 0, "box"),
            ("remote", "enabled", 0, 1),
            ("remote", "url", 0, url),
        ]
        for path, value in more.items():
            section, _, key = path.rpartition(".")
            rows.append((section, key, 0, value))
        replace_settings(store.path, rows)
        return Remote(store.connection())

    return read


class Certificates:
    """Files in `folder`, made by openssl: `ca.pem`, and for each name NAME.pem and NAME.key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._openssl("req", "-x509", "-subj", "/CN=the authority", "-days", "30", *self._key("ca"), "-out", "ca.pem")
        self._issue("good", "subjectAltName=IP:127.0.0.1")
        self._issue("other-name", "subjectAltName=DNS:elsewhere.example")
        self._issue("expired", "subjectAltName=IP:127.0.0.1", "20200101000000Z", "20200102000000Z")
        self._issue("client", "subjectAltName=DNS:box")
        self._openssl(
            *("req", "-x509", "-subj", "/CN=alone", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30"),
            *self._key("self-signed"),
            *("-out", "self-signed.pem"),
        )
        self._openssl("ec", "-in", "client.key", "-aes256", "-passout", "pass:x", "-out", "encrypted.key")

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def context(self, name: str, demands: bool = False) -> ssl.SSLContext:
        """Of a server that shows NAME.pem; `demands`: and wants one of the authority's from the client."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        if demands:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.path("ca.pem"))
        return context

    def _issue(self, name: str, extension: str, start: str = "", end: str = "") -> None:
        self._openssl("req", "-subj", f"/CN={name}", *self._key(name), "-out", f"{name}.csr")
        (self.folder / "extensions").write_text(extension)
        (self.folder / "index").write_text("")
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=c\n[c]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\npolicy=p\ndefault_md=sha256\n"
            "[p]\ncommonName=supplied\n"
        )
        dates = ("-startdate", start, "-enddate", end) if start else ("-days", "30")
        self._openssl(
            *("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"),
            *(*dates, "-extfile", "extensions", "-in", f"{name}.csr", "-out", f"{name}.pem"),
        )

    def _key(self, name: str) -> tuple[str, ...]:
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")

    def _openssl(self, *words: str) -> None:
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
