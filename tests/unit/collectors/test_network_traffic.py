from __future__ import annotations

from typing import Callable

import pytest

from belabox_metrics.collectors import network_traffic
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.sample import Sample
from belabox_metrics.world import Reading, World, defaults

DEFAULT_EXCLUDE = ["lo", "docker.*", "veth.*", "br-.*", "wlan.*mon", "virbr.*"]
HEAD = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast"
    "|bytes    packets errs drop fifo colls carrier compressed\n"
)


def world(root: str, state: str = "", **settings: object) -> World:
    return World(root, {**defaults(network_traffic.SETTINGS), **settings}, state, 10_000)


def line(name: str, received: int = 0, sent: int = 0) -> str:
    return f"{name}: {received} 1 2 3 4 5 6 7 {sent} 9 10 11 12 13 14 15\n"


def table(*names: str) -> str:
    return HEAD + "".join(line(name) for name in names)


def interfaces(reading: Reading) -> list[str]:
    return [sample.tags["interface"] for sample in reading.samples if sample.name == "network.rx_bytes_total"]


def value(reading: Reading, name: str, interface: str) -> object:
    return next(s.value for s in reading.samples if (s.name, s.tags.get("interface")) == (name, interface))


def test_a_box(box: str) -> None:
    reading = network_traffic.collect(world(box))
    assert interfaces(reading) == ["eth0", "eth1", "usb0", "wlan0", "wwan0", "wwan1"]
    assert reading.samples[:8] == [
        Sample("network.rx_bytes_total", 48811204, {"interface": "eth0"}),
        Sample("network.tx_bytes_total", 930112877, {"interface": "eth0"}),
        Sample("network.rx_packets_total", 102331, {"interface": "eth0"}),
        Sample("network.tx_packets_total", 701288, {"interface": "eth0"}),
        Sample("network.rx_errors_total", 0, {"interface": "eth0"}),
        Sample("network.tx_errors_total", 0, {"interface": "eth0"}),
        Sample("network.rx_dropped_total", 1204, {"interface": "eth0"}),
        Sample("network.tx_dropped_total", 0, {"interface": "eth0"}),
    ]
    assert value(reading, "network.rx_errors_total", "wwan0") == 3
    assert value(reading, "network.tx_dropped_total", "wwan1") == 5
    assert len(reading.samples) == 6 * 8
    assert reading.warnings == []
    assert len(reading.state) < 400


def test_a_modem_that_was_plugged_in_again(box: str, later: str) -> None:
    first = network_traffic.collect(world(box))
    second = network_traffic.collect(world(later, first.state))
    assert second.warnings == ["wwan0: counters started again (was it unplugged?)"]
    assert value(second, "network.tx_bytes_total", "wwan0") == 220318
    assert value(second, "network.counter_resets_total", "wwan0") == 1
    third = network_traffic.collect(world(later, second.state))
    assert third.warnings == []
    assert value(third, "network.counter_resets_total", "wwan0") == 1
    assert len([s for s in third.samples if s.name == "network.counter_resets_total"]) == 1


def test_a_modem_that_was_away_for_a_while(put: Callable[[str, str], str]) -> None:
    state = ""
    for text in (
        line("eth0") + line("wwan0", 500, 900),
        line("eth0"),
        line("eth0"),
        line("eth0") + line("wwan0", 1, 1),
    ):
        reading = network_traffic.collect(world(put("/proc/net/dev", HEAD + text), state))
        state = reading.state
    assert reading.warnings == ["wwan0: counters started again (was it unplugged?)"]


def test_a_name_does_nothing_to_a_terminal(put: Callable[[str, str], str]) -> None:
    first = network_traffic.collect(world(put("/proc/net/dev", HEAD + line("w\x1b[2J", 5, 5))))
    again = network_traffic.collect(world(put("/proc/net/dev", HEAD + line("w\x1b[2J", 1, 1)), first.state))
    assert interfaces(again) == ["w\x1b[2J"]
    assert again.warnings == ["'w\\x1b[2J': counters started again (was it unplugged?)"]


def test_what_is_gone_is_forgotten_in_the_end(put: Callable[[str, str], str]) -> None:
    state = ""
    for index in range(60):
        reading = network_traffic.collect(world(put("/proc/net/dev", table("eth0", f"usb{index}")), state))
        state = reading.state
    assert len(state.split("\n")) == 1 + 2 + network_traffic.GONE


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], None, ["enx0", "eth0", "wlan0", "wlo1", "wwan0"]),
        (
            [],
            [],
            [
                "br-1",
                "docker0",
                "enx0",
                "eth0",
                "lo",
                "veth1",
                "virbr0",
                "wlan0",
                "wlan0mon",
                "wlo1",
                "wwan0",
            ],
        ),
        (["wwan.*", "enx.*"], None, ["enx0", "wwan0"]),
        (["lo", "eth0"], None, ["eth0"]),
        (["w"], ["nothing"], None),
        (["^(eth|wwan)0$"], [], ["eth0", "wwan0"]),
    ],
)
def test_choosing(
    put: Callable[[str, str], str], include: list[str], exclude: list[str] | None, expected: list[str] | None
) -> None:
    names = ("lo", "eth0", "docker0", "veth1", "br-1", "wlan0", "wlan0mon", "virbr0", "wwan0", "enx0", "wlo1")
    if exclude is None:
        exclude = DEFAULT_EXCLUDE
    box = world(put("/proc/net/dev", table(*names)), include_ifaces=include, exclude_ifaces=exclude)
    if expected is None:
        with pytest.raises(NoData, match="every interface here is excluded"):
            network_traffic.collect(box)
    else:
        assert interfaces(network_traffic.collect(box)) == expected


def test_defaults() -> None:
    assert defaults(network_traffic.SETTINGS) == {
        "include_ifaces": [],
        "exclude_ifaces": DEFAULT_EXCLUDE,
        "max_interfaces": 32,
    }


def test_the_cap(put: Callable[[str, str], str]) -> None:
    names = [f"eth{index:02}" for index in range(40)]
    first = network_traffic.collect(world(put("/proc/net/dev", table(*names))))
    assert interfaces(first) == names[:32]
    assert first.samples[-1] == Sample("network.interfaces_dropped_total", 8)
    assert first.warnings == [
        "more interfaces than max_interfaces, 8 not recorded: " + ", ".join(names[32:]),
    ]
    again = network_traffic.collect(world(put("/proc/net/dev", table(*reversed(names))), first.state))
    assert interfaces(again) == names[:32], "those already recorded stay, whatever the kernel's order"
    assert again.samples[-1] == Sample("network.interfaces_dropped_total", 16)
    assert again.warnings == []
    more = network_traffic.collect(world(put("/proc/net/dev", table(*names, "usb0")), again.state))
    assert more.warnings == ["more interfaces than max_interfaces, 9 not recorded: " + ", ".join(names[32:]) + ", …"]
    fewer = network_traffic.collect(world(put("/proc/net/dev", table(*names[:5])), more.state))
    assert fewer.samples[-1] == Sample("network.interfaces_dropped_total", 25), "a counter does not vanish"
    assert len(first.state) < 2500


def test_the_cap_is_a_setting(put: Callable[[str, str], str]) -> None:
    reading = network_traffic.collect(world(put("/proc/net/dev", table("c", "b", "a")), max_interfaces=2))
    assert interfaces(reading) == ["b", "c"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("eth0:1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", "eth0"),
        ("  eth0:1:  1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", "eth0:1"),
        ('we"ird\\: 1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n', 'we"ird\\'),
        (b"w\xe9b: 1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", "w\\xe9b"),
        ("\u00fcml: 1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", "\u00fcml"),
    ],
)
def test_odd_names(put: Callable[[str, str | bytes], str], text: str | bytes, name: str) -> None:
    content = HEAD.encode() + (text if isinstance(text, bytes) else text.encode())
    first = network_traffic.collect(world(put("/proc/net/dev", content)))
    assert interfaces(first) == [name]
    assert value(first, "network.rx_packets_total", name) == 1
    assert interfaces(network_traffic.collect(world(put("/proc/net/dev", content), first.state))) == [name]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"garbage\n", "is not a table of interfaces"),
        (b"a\nb\nc\n", "is not a table of interfaces"),
        ((HEAD + line("eth0"))[:-1].encode(), "ends in the middle of a line"),
        ((HEAD + "eth0\n").encode(), ":3: has a line without an interface"),
        ((HEAD + " : 1 2\n").encode(), ":3: has a line without an interface"),
        ((HEAD + "eth0: 1 2 3\n").encode(), ":3: eth0 has 3 of 16 fields"),
        (
            (HEAD + line("eth0", -4)).encode(),
            ":3: eth0 network.rx_bytes_total is '-4', not an unsigned number",
        ),
        ((HEAD + line("eth0", sent=10**399)).encode(), "not an unsigned number"),
    ],
)
def test_bad_input_is_one_clear_line(put: Callable[[str, bytes], str], content: bytes, says: str) -> None:
    root = put("/proc/net/dev", content)
    with pytest.raises(SourceProblem) as caught:
        network_traffic.collect(world(root))
    assert str(caught.value).startswith(f"{root}/proc/net/dev")
    assert says in str(caught.value)


@pytest.mark.parametrize("state", ["x", "x\ny", "x\neth0 a b c", "x\ndropped \u00b2 y", "x\neth0 1 2 3 4", "\n\n\n"])
def test_a_state_of_another_version_is_no_state(put: Callable[[str, str], str], state: str) -> None:
    reading = network_traffic.collect(world(put("/proc/net/dev", table("eth0")), state))
    assert (len(reading.samples), reading.warnings) == (8, [])


def test_no_interface_is_no_data(put: Callable[[str, str], str], tmp_path: object) -> None:
    with pytest.raises(NoData):
        network_traffic.collect(world(str(tmp_path)))
    with pytest.raises(NoData):
        network_traffic.collect(world(put("/proc/net/dev", HEAD)))
