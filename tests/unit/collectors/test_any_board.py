"""The collectors of the board against files that say anything at all."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from types import ModuleType

import pytest

from belabox_metrics import attributes
from belabox_metrics.collectors import (
    audio,
    cpu_frequency,
    disk_usage,
    fan,
    gps,
    gpu,
    io_wait,
    npu,
    power,
    pressure,
    system_load,
    system_uptime,
    thermal_throttle,
)
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.sample import Sample, canonical
from belabox_metrics.world import World

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = Path(__file__).parents[2] / "fixtures"
BOXES = [str(FIXTURES / name) for name in ("orangepi5plus", "orangepi5plus-6.1", "raspberrypi5", "pc")]
OF_ATTRIBUTES = [audio, cpu_frequency, fan, gpu, npu, power, thermal_throttle]
WORDS = [
    "cpufreq-cpu0",
    "pwm-fan",
    "ina226",
    "rpi_volt",
    "Battery",
    "USB",
    "Discharging",
    "22@1Hz",
    "closed",
    "0",
    "1",
    "5",
]
words = st.sampled_from(WORDS) | st.integers(-(2**70), 2**70).map(str) | st.text(max_size=6)
said = words | st.lists(st.tuples(st.sampled_from(["state", "rate", "avail", "hw_ptr", "buffer_size"]), words)).map(
    lambda pairs: "\n".join([f"{name}: {value}" for name, value in pairs])
)
FIELDS = ["class", "mode", "lat", "lon", "alt", "altMSL", "speed", "eph", "satellites", "used"]
reports = st.dictionaries(
    st.sampled_from(FIELDS),
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=3)
    | st.lists(st.dictionaries(st.just("used"), st.booleans() | st.integers()) | st.integers(), max_size=3),
)
tables = st.lists(
    st.sampled_from(["cpu", "some", "full", "total=", "/dev/sda", "ext4", "\\040", "/", " ", "\n"]) | words
).map("".join)


def judge(samples: list[Sample]) -> None:
    """What any sample has to be, whatever was read."""
    series = [sample.name + canonical(sample.tags) for sample in samples]
    assert len(series) == len(set(series))
    for sample in samples:
        assert isinstance(sample.value, (int, float))
        assert math.isfinite(sample.value)
        if sample.name.endswith("_percent"):
            assert 0 <= sample.value <= 100
        if sample.name.endswith(("_hertz", "_total", "_rpm", "_bytes", "_seconds")):
            assert sample.value >= 0


@pytest.mark.parametrize("collector", OF_ATTRIBUTES, ids=lambda collector: collector.METRIC)
@given(st.lists(said, min_size=1, max_size=40))
def test_attributes_that_say_anything(collector: ModuleType, texts: list[str]) -> None:
    """The folders of a box, and in each file something else."""
    for box in BOXES:
        endless = cycle(texts).__next__
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(attributes, "read_text", lambda *_, say=endless: say())
            patch.setattr(npu, "read_text", lambda *_, say=endless: say())
            world = World(box)
            for _ in range(2):
                with suppress(NoData, SourceProblem):
                    reading = collector.collect(world)
                    judge(reading.samples)
                    assert all(len(warning.splitlines()) == 1 for warning in reading.warnings)
                    world.state = reading.state


@given(tables, st.text())
def test_tables_and_states(text: str, state: str) -> None:
    for content in (text, text + "\n", f"cpu {text}\n", f"some total={text}\n"):
        with suppress(SourceProblem):
            waited, total = io_wait.parse(content)
            assert 0 <= waited <= total
        with suppress(SourceProblem):
            assert min(pressure.parse(content, "file").values()) >= 0
        with suppress(SourceProblem):
            assert min(system_load.parse(content)) >= 0
        with suppress(SourceProblem):
            assert system_uptime.parse(content) >= 0
        with suppress(SourceProblem):
            assert len(disk_usage.parse(content)) <= disk_usage.MOST
        with suppress(SourceProblem):
            assert all(0 <= percent <= 100 for percent in npu.parse(content, "file").values())


@given(st.text() | st.integers(0, 2**65).map(lambda n: f"{n} {n}"))
def test_states_of_another_version(state: str) -> None:
    box = str(FIXTURES / "kernel-6.18-x86")
    for collector in (io_wait, pressure):
        judge(collector.collect(World(box, {}, state, 1000)).samples)
    for collector in OF_ATTRIBUTES:
        with suppress(NoData):
            judge(collector.collect(World(BOXES[0], {}, state, 1000)).samples)


@given(reports)
def test_what_a_daemon_may_say(report: dict[str, object]) -> None:
    judge(gps.fix(report))
    judge(gps.sky(report))
