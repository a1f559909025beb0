"""Lines, states and tables that nobody thought of."""

from __future__ import annotations

import pytest

from belabox_metrics.collectors import stream_events, stream_links, stream_session
from belabox_metrics.json_text import parse as parse_json
from belabox_metrics.stream import belaui, kernel, links, setup
from belabox_metrics.stream.repeats import Repeats

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

WORDS = [
    *("gstreamer error from ", "gstreamer eos from ", "Failed to establish an SRT connection: ", ". Retrying..."),
    *("10.0.0.1 (0x1): ", "connection established", "SRT connected to ", "Failed to bind to the source address "),
    *("hdmirx", "signal not lock", "usb 1-1", ": USB disconnect, device number ", ": Killed process ", " (", ") "),
    *(": unregister '", ": register '", "' at ", "qmi_wwan 2-1:1.4 wwan0", "critical temperature reached", ": ", "\n"),
    *("session ", "belacoder ", "facts ", "{", "}", "=", " 1 2 ", "2204 3000000\n"),
]
lines = st.lists(st.one_of(st.sampled_from(WORDS), st.integers(-2, 2**65).map(str), st.text(max_size=4))).map("".join)


@given(st.lists(lines, max_size=6), st.integers(0, 2**41))
def test_lines(said: list[str], wall_ms: int) -> None:
    repeats = Repeats()
    for text in said:
        for found in (belaui.finding(text), kernel.finding(text)):
            if found is None:
                continue
            assert all(tag.isascii() and tag.isprintable() and len(tag) <= 40 for tag in found.tags.values())
            assert found.text.isprintable()
            assert len(found.text) < 200
            assert found.priority in (0, 1)
            event = repeats.event(found, found.tags, wall_ms)
            assert event is None or event.wall_ms == wall_ms
    assert Repeats.of(repeats.text(wall_ms)).text(wall_ms) == repeats.text(wall_ms)


@given(lines, st.integers(0, 2**41))
def test_states(state: str, now_ms: int) -> None:
    for text in (
        stream_session.Memory.of(state).text(),
        stream_events.Memory(state).text(now_ms),
        stream_links.Memory.of(state).text(),
    ):
        assert isinstance(text, str)
    memory = stream_session.Memory.of(state)
    if memory.id and "\n" not in memory.id:
        assert stream_session.Memory.of(memory.text()).text() == memory.text()


@given(st.lists(st.one_of(st.sampled_from(["-s", "-sX", "-d", "-l", "-b", "--", "-", "/tmp/p"]), st.text(max_size=5))))
def test_command_lines(arguments: list[str]) -> None:
    setup.encoder(arguments)
    facts = setup.bonder(arguments)
    assert isinstance(parse_json(setup.metadata(facts)), dict)
    setup.addresses_file(arguments)
    for argument in arguments:
        setup.elements(argument)
        number = links.number(argument)
        assert number is None or 0 <= number < 2**32
