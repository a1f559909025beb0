from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.collectors import audio
from belabox_metrics.errors import NoData, SourceProblem

Values = Callable[..., dict[str, object]]
DEVICE = audio.PATH + "/card0/pcm0c/sub0/"
OPEN = "state: RUNNING\navail       : 480\nhw_ptr      : 9600\n"
CHOSEN = "channels: 2\nrate: 48000 (48000/1)\nbuffer_size: 9600\n"


def of(card: str, **found: object) -> dict[str, object]:
    return {f"audio.{name}{{card={card},device=pcm0c}}": value for name, value in found.items()}


def test_a_box(values: Values, box: str) -> None:
    """The HDMI input is captured, the sound chip of the board is not, and what plays is nobody's business."""
    assert values(audio, box) == {
        **of("rockchiphdmiin", capture_running=1, capture_overrun=0, sample_rate_hertz=48000, channels=2),
        **of("rockchiphdmiin", buffer_percent=3.0, captured_frames_total=576288),
        **of("rockchipes8388", capture_running=0, capture_overrun=0),
    }


def test_a_usb_device(values: Values, fixtures: Path) -> None:
    assert values(audio, str(fixtures / "pc")) == {
        **of("Device", capture_running=1, capture_overrun=0, sample_rate_hertz=16000, channels=2),
        **of("Device", buffer_percent=2.06, captured_frames_total=736671),
    }


@pytest.mark.parametrize(
    ("status", "chosen", "expected"),
    [
        ("closed\n", "closed\n", {"running": 0, "overrun": 0}),
        ("closed\n", None, {"running": 0, "overrun": 0}),
        (OPEN, CHOSEN, {"running": 1, "overrun": 0, "rate": 48000, "fill": 5.0, "frames": 9600}),
        (OPEN.replace("RUNNING", "XRUN").replace("480", "9999"), CHOSEN, {"running": 0, "overrun": 1, "fill": 100.0}),
        (OPEN.replace("RUNNING", "SETUP"), "closed\n", {"running": 0, "overrun": 0, "rate": None, "fill": None}),
        (OPEN.replace("480", "-32"), CHOSEN, {"running": 1, "fill": None, "frames": 9600}),
        (OPEN, CHOSEN.replace("9600", "0"), {"running": 1, "fill": None}),
        (OPEN, CHOSEN.replace("48000 ", "fast "), {"running": 1, "rate": None, "fill": 5.0}),
        (OPEN, None, {"running": 1, "rate": None, "fill": None, "frames": 9600}),
    ],
)
def test_states(values: Values, status: str, chosen: str | None, expected: dict[str, object]) -> None:
    files = {audio.PATH + "/card0/id": "hdmi\n", DEVICE + "status": status}
    if chosen is not None:
        files[DEVICE + "hw_params"] = chosen
    found = values(audio, files)
    names = {
        "running": "audio.capture_running",
        "overrun": "audio.capture_overrun",
        "rate": "audio.sample_rate_hertz",
        "fill": "audio.buffer_percent",
        "frames": "audio.captured_frames_total",
    }
    assert {key: found.get(names[key] + "{card=hdmi,device=pcm0c}") for key in expected} == expected


def test_two_streams_of_one_device_are_told_apart(values: Values) -> None:
    files = {f"{audio.PATH}/card0/pcm0c/sub{n}/status": "closed\n" for n in (0, 1)}
    assert {name for name in values(audio, files) if "running" in name} == {
        "audio.capture_running{card=card0,device=pcm0c}",
        "audio.capture_running{card=card0,device=pcm0c/sub1}",
    }


@pytest.mark.parametrize("status", ["", "garbage\n", "avail: 5\n", "\x00" * 64])
def test_only_nonsense_is_a_failure(values: Values, status: str) -> None:
    with pytest.raises(SourceProblem, match="status: has no state"):
        values(audio, {DEVICE + "status": status})


def test_a_box_that_only_plays_has_no_data(values: Values) -> None:
    with pytest.raises(NoData, match="no device that captures"):
        values(audio, {f"{audio.PATH}/card0/pcm0p/sub0/status": "closed\n"})
