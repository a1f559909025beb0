"""Which interface an address belongs to, from the routes alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics.errors import SourceProblem
from belabox_metrics.stream import links

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def line(interface: str, network: str, bits: int, metric: int = 0, flags: int = 1) -> str:
    number = links.number(network)
    assert number is not None
    mask = ((1 << bits) - 1) << (32 - bits)
    words = [value.to_bytes(4, "little").hex().upper() for value in (number, mask)]
    return f"{interface}\t{words[0]}\t00000000\t{flags:04}\t0\t0\t{metric}\t{words[1]}\t0\t0\t0\n"


def box(root: Path, *lines: str) -> str:
    (root / "proc/net").mkdir(parents=True, exist_ok=True)
    (root / "proc/net/route").write_text(HEAD + "".join(lines))
    return str(root)


@pytest.mark.parametrize(
    ("lines", "interface"),
    [
        ([line("wwan0", "10.75.12.32", 30)], "wwan0"),
        ([line("usb0", "10.0.0.0", 8), line("wwan0", "10.75.12.32", 30)], "wwan0"),
        ([line("wlan0", "10.75.0.0", 16, 600), line("eth0", "10.75.0.0", 16, 100)], "eth0"),
        ([line("eth0", "192.168.1.0", 24)], ""),
        # A modem that is a mere point has no network: there is only the way to everywhere over it.
        ([line("eth0", "192.168.1.0", 24), line("ppp0", "0.0.0.0", 0)], "ppp0"),
        ([line("ppp1", "0.0.0.0", 0), line("ppp0", "0.0.0.0", 0)], ""),
        ([line("eth0", "0.0.0.0", 0, flags=3)], ""),
        ([line("wwan0", "10.75.12.32", 30, flags=0)], ""),
        ([], ""),
    ],
)
def test_an_address(tmp_path: Path, lines: list[str], interface: str) -> None:
    found = links.interfaces(box(tmp_path, *lines), ["10.75.12.34"])
    assert found == ({"10.75.12.34": interface} if interface else {})


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["10.0.0.5"], {"eth0"}),
        (["10.0.0.5", "10.0.0.9"], {"eth0", "wlan0"}),
        (["10.0.0.5", "10.0.0.9", "10.0.0.11"], {"eth0", "wlan0"}),
        (["192.168.8.100", "10.0.0.5", "10.0.0.9"], {"eth0", "wlan0", "usb0"}),
    ],
)
def test_addresses_of_one_network_have_an_interface_each(tmp_path: Path, wanted: list[str], found: set[str]) -> None:
    network = [line("wlan0", "10.0.0.0", 24, 600), line("eth0", "10.0.0.0", 24, 100)]
    others = [line("vpn0", "10.0.0.0", 8, 50), line("usb0", "192.168.8.0", 24, 700)]
    said = links.interfaces(box(tmp_path, *network, *others), wanted)
    assert (set(said.values()), list(said)) == (found, wanted)


@pytest.mark.parametrize(
    "text", ["", "x", HEAD[:-1], HEAD + "eth0 1 2\n", HEAD + line("e", "1.2.3.4", 8)[:-1], "a\nb\n"]
)
def test_what_is_no_table_of_routes(tmp_path: Path, text: str) -> None:
    root = box(tmp_path)
    (tmp_path / "proc/net/route").write_text(text)
    with pytest.raises(SourceProblem):
        links.routes(root)
    assert links.interfaces(root, ["10.0.0.1"]) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.75.12.34\n10.212.7.9\n", ["10.75.12.34", "10.212.7.9"]),
        ("10.0.0.1\n10.0.0.1\n\n 10.0.0.2 \n", ["10.0.0.1", "10.0.0.2"]),
        ("10.0.0\n10.0.0.256\nfe80::1\n1.2.3.4.5\n-1.2.3.4\n", []),
        ("".join(f"10.0.{n // 256}.{n % 256}\n" for n in range(1000)), [f"10.0.0.{n}" for n in range(links.MOST)]),
        ("\x00\xff", []),
        ("", []),
    ],
)
def test_the_list_of_addresses(tmp_path: Path, text: str, found: list[str]) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp/srtla_ips").write_text(text, encoding="latin-1")
    assert links.addresses(str(tmp_path)) == found
