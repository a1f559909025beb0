"""What gpsd said to a real client, played back, and what it would never say."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.collectors import gps
from belabox_metrics.errors import ConfigProblem, NoData, Problem, SourceProblem
from belabox_metrics.world import World, defaults

if TYPE_CHECKING:
    from .conftest import Answer, Serve

VERSION = b'{"class":"VERSION","release":"3.22","proto_major":3,"proto_minor":14}\n'
TPV = b'{"class":"TPV","mode":3,"lat":52.5,"lon":13.4,"altMSL":34.5,"speed":1.2,"eph":17.8}\n'
SKY = b'{"class":"SKY","satellites":[{"used":true},{"used":false}]}\n'


def says(text: bytes, hold: bool = False) -> Answer:
    """A daemon that takes a request and says this; `hold` keeps the connection until the client leaves."""

    def answer(connection: socket.socket) -> None:
        assert connection.recv(200) == gps.WATCH
        connection.sendall(text)
        if hold:
            connection.recv(1)

    return answer


def collect(url: str, timeout: int = 5000) -> dict[str, object]:
    settings: dict[str, object] = {"port": int(url.rpartition(":")[2]), "timeout": timeout}
    return {sample.name: sample.value for sample in gps.collect(World("", settings)).samples}


def test_a_fix(serve: Serve, fixtures: Path) -> None:
    found = collect(serve(says((fixtures / "gpsd/fix.json").read_bytes(), hold=True)))
    assert found == {
        "gps.mode": 3,
        "gps.latitude_degrees": 52.5,
        "gps.longitude_degrees": 13.4,
        "gps.altitude_meters": 34.5,
        "gps.speed_meters_per_second": 1.286,
        "gps.error_meters": 17.86,
        "gps.satellites_seen": 7,
        "gps.satellites_used": 5,
    }


def test_no_fix_is_no_position(serve: Serve, fixtures: Path) -> None:
    found = collect(serve(says((fixtures / "gpsd/no-fix.json").read_bytes(), hold=True)))
    assert found == {"gps.mode": 1, "gps.satellites_seen": 2, "gps.satellites_used": 0}


def test_a_fix_without_satellites_is_waited_for_and_then_taken(serve: Serve) -> None:
    assert collect(serve(says(VERSION + TPV, hold=True)), 200)["gps.mode"] == 3


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"mode": 0, "lat": 1, "lon": 1}, {}),
        ({"mode": 1, "lat": 0, "lon": 0}, {"mode": 1}),
        ({"mode": 2, "lat": 1, "lon": 2, "alt": 5}, {"mode": 2, "latitude_degrees": 1, "longitude_degrees": 2}),
        ({"mode": 3, "alt": 5}, {"mode": 3, "altitude_meters": 5}),
        ({"mode": 3, "alt": 5, "altMSL": 6}, {"mode": 3, "altitude_meters": 6}),
        ({"mode": 3, "lat": 90.1, "lon": -181, "speed": -1, "eph": -1}, {"mode": 3}),
        ({"mode": 3, "lat": float("nan"), "lon": "13", "speed": True, "eph": None}, {"mode": 3}),
        ({"mode": 4}, {}),
        ({"mode": "3"}, {}),
        ({"mode": True}, {}),
        ({}, {}),
    ],
)
def test_fixes(report: dict[str, object], expected: dict[str, object]) -> None:
    assert {sample.name[4:]: sample.value for sample in gps.fix(report)} == expected


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([{"used": True}, {"used": False}, {}], [3, 1]),
        ([{"used": "no"}, {"used": 1}, 5], [3, 0]),
        ([], [0, 0]),
        (None, []),
        ({"used": True}, []),
    ],
)
def test_satellites(listed: object, expected: list[int]) -> None:
    assert [sample.value for sample in gps.sky({"satellites": listed})] == expected


def test_no_daemon_is_no_data() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(NoData, match="no gpsd"):
        collect(f":{port}")


def test_a_daemon_without_a_receiver_is_no_data(serve: Serve) -> None:
    with pytest.raises(NoData, match="no receiver"):
        collect(serve(says(VERSION + b'{"class":"DEVICES","devices":[]}\n', hold=True)), 200)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.0 400 Bad Request\r\n\r\n", b"\xff\n", b"[]\n", b"null\n", b'{"a":1}\n']
)
def test_something_else_on_that_port_is_a_failure(serve: Serve, said: bytes) -> None:
    with pytest.raises(SourceProblem, match="does not answer like gpsd"):
        collect(serve(says(said)))


def test_one_that_never_ends_does_not_hold_it_up(serve: Serve) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(VERSION)
        while True:
            connection.sendall(b"x" * 65536)

    with pytest.raises((NoData, Problem)):
        collect(serve(flood))


@pytest.mark.parametrize("port", [65536, 10**9])
def test_a_port_that_cannot_be(port: int) -> None:
    with pytest.raises(ConfigProblem, match="port: is not a port"):
        gps.collect(World("", {**defaults(gps.SETTINGS), "port": port}))
