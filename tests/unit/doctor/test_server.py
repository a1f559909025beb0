"""The doctor and the server: each way to be unreachable or refused by its own words; nothing is stored by asking."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.dialling import NoAnswer
from belabox_metrics.doctor import command, server

if TYPE_CHECKING:
    from .conftest import Patient


class Server(ThreadingHTTPServer):
    """Answers uploads with `status`, everything else with 200. `bodies` are those that were posted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 204
        self.kind = "text/plain"
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api/v1/import"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer(200)

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(self.server.status)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", self.server.kind)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def there() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (204, []),
        (200, []),
        (401, ["problem ENDPOINT: 401: is sent no credentials"]),
        (403, ["problem ENDPOINT: 403: is sent no credentials"]),
        (404, ["problem ENDPOINT: 404: nothing takes uploads there"]),
        (302, ["problem ENDPOINT: 302: it wants to be asked elsewhere"]),
        (400, ["note ENDPOINT: 400: it does not like an upload without samples, and nothing else could be asked"]),
        (503, ["problem ENDPOINT: 503: it can't take uploads now"]),
    ],
)
def test_each_answer_has_its_words(patient: Patient, there: Server, status: int, expected: list[str]) -> None:
    there.status = status
    patient.configure(there.url)
    assert [line.replace(there.url, "ENDPOINT") for line in patient.findings("server")] == expected
    assert there.bodies == [b""]


def test_the_page_of_a_hotel_is_no_server(patient: Patient, there: Server) -> None:
    there.kind, there.status = "text/html", 200
    patient.configure(there.url)
    assert "web page" in patient.findings("server")[0]


def test_a_server_that_is_not_there(patient: Patient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        patient.configure(f"http://127.0.0.1:{taken.getsockname()[1]}/api/v1/import")
        assert "Connection refused" in patient.findings("server")[0]


def test_settings_that_do_not_tell_where_it_is_have_a_hint(patient: Patient) -> None:
    patient.sql("UPDATE settings SET value = value + 1 WHERE key = 'crc32'")
    (found,) = command.examine(patient.box(), ["server"])["server"]
    assert (found.level, found.hint) == ("note", "sudo belabox-metrics apply")


def test_a_server_that_says_nothing(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        patient.configure(f"http://127.0.0.1:{mute.getsockname()[1]}/api/v1/import")
        assert "no answer in time" in patient.findings("server")[0]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "the name is not known: Name or service"),
        (NoAnswer(), "no name server answers"),
    ],
)
def test_a_name_that_is_not_known(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, fault: Exception, told: str
) -> None:
    def addresses(*_: object) -> None:
        raise fault

    monkeypatch.setattr(server, "addresses", addresses)
    patient.configure("http://nowhere.invalid/api/v1/import")
    (finding,) = patient.findings("server")
    assert finding.startswith(f"problem nowhere.invalid: {told}")


def test_a_secret_in_the_url_is_not_shown(patient: Patient, there: Server) -> None:
    there.status = 404
    patient.configure(f"{there.url}?token=s3cr3t-token")
    said = "\n".join(patient.findings("server")) + patient.well("server")
    assert "404" in said
    assert "s3cr3t" not in said


def test_uploads_that_are_off_are_no_fault(patient: Patient) -> None:
    assert patient.findings("server") == []
    assert patient.well("server") == "nothing is sent: there is no remote.url"
