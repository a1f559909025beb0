"""What each link carries, and that there is nothing to say while nothing streams."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.collectors import stream_links
from belabox_metrics.errors import NoData
from belabox_metrics.world import Reading, World, defaults

if TYPE_CHECKING:
    from .conftest import Serve

NOW = 1_795_200_000_000


@pytest.fixture
def live(fixtures: Path, tmp_path: Path) -> Path:
    shutil.copytree(fixtures / "belabox-live", tmp_path / "box")
    return tmp_path / "box"


def run(root: Path, state: str = "", **settings: object) -> Reading:
    world = World(str(root), {**defaults(stream_links.SETTINGS), **settings}, state, 10_000 if state else None, NOW)
    return stream_links.collect(world)


def values(reading: Reading) -> dict[str, object]:
    return {
        sample.name + "".join(f" {tag}" for tag in sample.tags.values()): sample.value for sample in reading.samples
    }


def twice(root: Path, **settings: object) -> Reading:
    """Two runs, with what was sent in the ten seconds between them."""
    state = run(root, "", **settings).state
    for interface, more in (("eth0", 3_750_000), ("wwan0", 1_875_000), ("usb0", 800)):
        send(root, interface, more)
    return run(root, state, **settings)


def send(root: Path, interface: str, more: int) -> None:
    file = root / f"sys/class/net/{interface}/statistics/tx_bytes"
    file.write_text(f"{int(file.read_text()) + more}\n")


def test_rates_shares_and_who_carries(live: Path) -> None:
    assert values(run(live)) == {"stream.links": 3}
    assert values(twice(live)) == {
        "stream.links": 3,
        "stream.links_active": 2,
        "stream.bitrate_kbps": 4500.6,
        "stream.link_bitrate_kbps eth0": 3000.0,
        "stream.link_bitrate_kbps usb0": 0.6,
        "stream.link_bitrate_kbps wwan0": 1500.0,
        "stream.link_share_percent eth0": 66.7,
        "stream.link_share_percent usb0": 0.0,
        "stream.link_share_percent wwan0": 33.3,
    }


@pytest.mark.parametrize("box", ["orangepi5plus", "orangepi5plus.later"])
def test_nothing_while_nothing_streams(fixtures: Path, box: str) -> None:
    state = run(fixtures / "belabox-live").state
    for before in ("", state):
        with pytest.raises(NoData, match="no stream is live"):
            run(fixtures / box, before)


def test_two_links_in_one_network_are_both_told_of(live: Path) -> None:
    """The cable and the WLAN of one router: which has which address is not known, but what each sends is."""
    shutil.copytree(live / "sys/class/net/eth0", live / "sys/class/net/wlan0")
    for file, more in (
        ("proc/net/route", "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"),
        ("tmp/srtla_ips", "192.168.1.41\n"),
    ):
        (live / file).write_text((live / file).read_text() + more)
    state = run(live).state
    send(live, "eth0", 1_250_000)
    send(live, "wlan0", 2_500_000)
    found = values(run(live, state))
    assert (found["stream.links"], found["stream.links_active"], found["stream.bitrate_kbps"]) == (4, 2, 3000.0)
    assert (found["stream.link_bitrate_kbps eth0"], found["stream.link_bitrate_kbps wlan0"]) == (1000.0, 2000.0)


def test_a_bond_that_has_lost_all_its_addresses_carries_nothing(live: Path) -> None:
    """belaUI empties the list when the last interface is gone."""
    state = run(live).state
    (live / "tmp/srtla_ips").write_text("")
    nothing = {"stream.links": 0, "stream.links_active": 0, "stream.bitrate_kbps": 0}
    reading = run(live, state)
    assert values(reading) == nothing
    assert values(run(live, reading.state)) == nothing


def test_another_stream_is_not_compared_with_the_last(live: Path) -> None:
    state = run(live).state
    for file in ("stat", "comm", "cmdline"):
        path = live / f"proc/2204/{file}"
        path.write_text(path.read_text().replace(" 300000 ", " 361000 "))
    assert values(run(live, state)) == {"stream.links": 3}


def test_a_modem_that_was_plugged_in_again_has_no_rate_this_time(live: Path) -> None:
    state = run(live).state
    (live / "sys/class/net/wwan0/statistics/tx_bytes").write_text("10\n")
    shutil.rmtree(live / "sys/class/net/usb0")
    send(live, "eth0", 1_250_000)
    assert values(run(live, state)) == {
        "stream.links": 3,
        "stream.links_active": 1,
        "stream.bitrate_kbps": 1000.0,
        "stream.link_bitrate_kbps eth0": 1000.0,
        "stream.link_share_percent eth0": 100.0,
    }


def answer(kbps: int) -> bytes:
    body = f'{{"status": "ok", "publishers": {{"live": {{"bitrate": {kbps}, "uptime": 5, "rtt": 1}}}}}}'
    return b"HTTP/1.0 200 OK\r\n\r\n" + body.encode()


def test_how_much_of_it_arrives(live: Path, serve: Serve) -> None:
    assert values(twice(live, url=serve(answer(4050))))["stream.bond_efficiency_percent"] == 90.0


@pytest.mark.parametrize("said", [b"", b"HTTP/1.0 404 Not found\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n{"])
def test_a_relay_that_says_nothing_of_use_takes_nothing_else_away(live: Path, serve: Serve, said: bytes) -> None:
    url = serve(said)
    reading = twice(live, url=url)
    assert values(reading)["stream.bitrate_kbps"] == 4500.6
    assert "stream.bond_efficiency_percent" not in values(reading)
    assert len(reading.warnings) == 1
    send(live, "eth0", 3_750_000)
    assert run(live, reading.state, url=url).warnings == []


def test_the_senders_own_statistics_come_along(live: Path, fixtures: Path) -> None:
    file = live / "tmp/srtla-send-stats-9000.json"
    shutil.copy(fixtures / "srtla-telemetry/ceralive-stats-file.json", file)
    os.utime(file, (NOW / 1000, NOW / 1000))
    found = values(run(live))
    assert found["stream.links"] == 3
    assert [name for name in found if name.startswith("stream.link_rtt_ms")] == [
        "stream.link_rtt_ms 0",
        "stream.link_rtt_ms 1",
    ]
    os.utime(file, (NOW / 1000 - 60, NOW / 1000 - 60))
    assert values(run(live)) == {"stream.links": 3}
    file.write_text("{")
    os.utime(file, (NOW / 1000, NOW / 1000))
    reading = run(live)
    assert values(reading) == {"stream.links": 3}
    assert "is not JSON" in reading.warnings[0]


def test_without_the_list_of_addresses(live: Path) -> None:
    (live / "tmp/srtla_ips").unlink()
    with pytest.raises(NoData, match="srtla_ips"):
        run(live)


def test_the_list_is_where_the_command_line_says(live: Path) -> None:
    (live / "tmp/srtla_ips").rename(live / "tmp/elsewhere")
    command = live / "proc/2204/cmdline"
    command.write_bytes(command.read_bytes().replace(b"srtla_ips", b"elsewhere"))
    assert values(run(live)) == {"stream.links": 3}


@pytest.mark.parametrize("state", ["x", "1 2", "2204 3000000\n\neth0 x", "2204 3000000\n\neth0", "\n\n\n"])
def test_a_state_that_another_version_left(live: Path, state: str) -> None:
    assert values(run(live, state))["stream.links"] == 3
