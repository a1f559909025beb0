"""What a job left for its next run, with bits turned: it may be forgotten, but the job does its work."""

from __future__ import annotations

from contextlib import suppress
from types import ModuleType
from typing import Callable

from belabox_metrics import alert
from belabox_metrics.clock import Moment
from belabox_metrics.collectors import (
    cpu_temperature,
    cpu_usage,
    disk_io,
    encoder,
    hdmi_input,
    io_wait,
    network_traffic,
    pressure,
    srt_packet_loss,
    srt_relay,
    stream_events,
    stream_health,
    stream_links,
    stream_session,
)
from belabox_metrics.modem.interfaces import Usage
from belabox_metrics.modem.memory import Memory
from belabox_metrics.sample import Sample
from belabox_metrics.stream.repeats import Repeats
from belabox_metrics.world import World, defaults

from .parsers import stored
from .target import FIXTURES, NOW_MS, REFUSALS, Target, text_of

BOX = str(FIXTURES / "orangepi5plus")
LIVE = str(FIXTURES / "belabox-live")
MOMENT = Moment(NOW_MS, 100_000, "boot", True)


def _collector(module: ModuleType, root: str = BOX) -> Callable[[bytes], object]:
    """On a recorded box, with this for what it left 5 s ago: what it says then is fit to be stored."""

    def call(data: bytes) -> None:
        state = text_of(data)
        for elapsed_ms in (5000, None):
            world = World(root, defaults(module.SETTINGS), state, elapsed_ms, NOW_MS, moment=MOMENT)
            with suppress(*REFUSALS):
                reading = module.collect(world)
                stored(reading.samples)
                assert isinstance(reading.state, str)

    return call


def _left(module: ModuleType, root: str = BOX) -> list[str | bytes]:
    """What it leaves by itself."""
    world = World(root, defaults(module.SETTINGS), "", None, NOW_MS, moment=MOMENT)
    with suppress(*REFUSALS):
        return [module.collect(world).state]
    return []


def _of(*recall: Callable[[str], object]) -> Callable[[bytes], object]:
    def call(data: bytes) -> None:
        for one in recall:
            one(text_of(data))

    return call


def _modem(text: str) -> None:
    memory = Memory(text, 5000)
    memory.modem("m1").seen(True, ["a"])
    memory.count("wwan0", "m1", Usage(1, 2, 3)).totals()
    assert isinstance(memory.text(NOW_MS), str)


RULE = '{"name":"hot","series":"cpu.temperature","tags":{},"above":85,"clear":80,"for_ms":0,"of":""}'


def _alerts(text: str) -> None:
    """Rules and memories of alerts."""
    rule, _, memory = text.partition("\0")
    for value in (90.0, 10.0, None):
        verdict = alert.judge([rule, RULE], [Sample("cpu.temperature", value)], memory, MOMENT)
        assert all(event.text for event in verdict.events)
        alert.judge([rule, RULE], [Sample("cpu.temperature", 1)], verdict.memory, MOMENT)
    alert.raised(memory)


_FOUND = (
    *(("cpu.temperature", cpu_temperature, BOX), ("cpu.usage", cpu_usage, BOX), ("disk.io", disk_io, BOX)),
    *(("encoder", encoder, LIVE), ("io.wait", io_wait, BOX), ("network.traffic", network_traffic, BOX)),
    *(("pressure", pressure, BOX), ("stream.links", stream_links, LIVE), ("stream.session", stream_session, LIVE)),
)
TARGETS = [
    *[
        Target(f"state.{name}", _collector(module, root), [*_left(module, root), "x y z"])
        for name, module, root in _FOUND
    ],
    Target(
        "state.alerts", _of(_alerts), [f"{RULE}\0hot {NOW_MS} 1000 1 boot", f"\0hot {NOW_MS} 1 0 boot\ncold 1 1 1 b"]
    ),
    Target("state.modem", _of(_modem), ["1 2 3\nm1 1 2 3", "wwan0 m1 0 1 2 3 4"]),
    Target(
        "state.stream",
        _of(
            srt_relay.Memory.of,
            srt_packet_loss.Memory,
            stream_events.Memory,
            stream_health._remembered,
            lambda text: hdmi_input.Memory(text, 5000),
            lambda text: Repeats.of(text).text(NOW_MS),
        ),
        ["1 2 3", '{"a":1}', "relay 1 2 3 4 5"],
    ),
]
