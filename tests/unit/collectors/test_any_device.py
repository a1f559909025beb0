"""What encoders, HDMI receivers and modems are read by, against text that nobody thought of."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from belabox_metrics import interrupts
from belabox_metrics.collectors import encoder, hdmi_input
from belabox_metrics.encoder import ffmpeg_progress, hardware
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.modem import mmcli, series
from belabox_metrics.modem.memory import Memory
from belabox_metrics.sample import canonical

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

WORDS = [
    *("CPU0", "55:", "GICv3", "x.rkvenc-core", "load:", "utilization:", "11.34%", "100%", "%", " ", "\n"),
    *(
        "frame=",
        "total_size=",
        "out_time_us=",
        "speed=",
        "stream_0_0_q=",
        "progress=continue\n",
        "progress=end\n",
        "=",
        "x",
    ),
    *(
        "Active width: ",
        "Active height: ",
        "Pixelclock: ",
        "Frame format: ",
        "interlaced\n",
        " (60.00 frames per second)\n",
    ),
]
texts = st.lists(
    st.one_of(st.sampled_from(WORDS), st.integers(-2, 2**65).map(str), st.floats().map(str), st.text(max_size=3))
).map("".join)
KEYS = [
    "generic",
    "3gpp",
    "signal-quality",
    "value",
    "recent",
    "ports",
    "bearers",
    "access-technologies",
    "state",
    "lte",
]
leaves = (
    st.none() | st.integers() | st.floats().map(str) | st.sampled_from(["--", "yes", "home", "wwan0 (net)"]) | st.text()
)
answers = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
)


@given(texts)
def test_tables_and_files(text: str) -> None:
    with suppress(SourceProblem):
        assert all(count >= 0 for count in interrupts.parse(f"CPU0\n{text}\n", "rkvenc-core").values())
    with suppress(SourceProblem):
        for load in hardware.parse_loads(f"{text}\n").values():
            assert 0 <= load.load <= 100
            assert 0 <= load.utilization <= 100
    with suppress(SourceProblem, NoData):
        block = ffmpeg_progress.parse(f"frame=5\n{text}\nprogress=continue\n", "/x")
        for sample in ffmpeg_progress.collect(block, 2000, "1000 1 0 0 0"):
            assert isinstance(sample.value, (int, float))
            assert abs(sample.value) < 2**63
            assert not sample.name.endswith("_percent") or 0 <= sample.value <= 100
        assert len(ffmpeg_progress.mark(block, 2000)) < 200
    with suppress(SourceProblem):
        mode = hdmi_input.parse_mode(text, "/x")
        assert mode is None or 0 <= mode.rate <= hdmi_input.MOST_HERTZ


@given(st.text())
def test_states(text: str) -> None:
    Memory(text, 5).text(1)
    encoder.Memory(text).text()
    hdmi_input.Memory(text, 5).text()
    assert len(ffmpeg_progress.collect(ffmpeg_progress.Block(["frame=5"]), 5, text)) <= 2


@given(answers)
def test_answers_about_a_modem(answer: object) -> None:
    known = mmcli.texts_only(json.loads(json.dumps(answer)))
    for sample in [*series.of(known, {"modem": "m"}), *series.signals(known, {"modem": "m"})]:
        assert isinstance(sample.value, (int, float)) or str(sample.value).isprintable()
        assert len(canonical(sample.tags)) < 500
        assert sample.tags["modem"] == "m"
    name = series.interface(known)
    assert name == "" or (name.isascii() and "/" not in name and len(name) <= 15)
    assert all(bearer.isdigit() for bearer in series.bearers(known))
