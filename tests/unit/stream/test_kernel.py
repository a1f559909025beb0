"""What the lines of the kernel mean for a stream."""

from __future__ import annotations

import pytest

from belabox_metrics.stream import kernel

from .conftest import recorded


@pytest.mark.parametrize(
    ("line", "name", "priority", "tags"),
    [
        (
            "usb 2-1: USB disconnect, device number 3",
            "usb_disconnected",
            1,
            {"port": "2-1"},
        ),
        (
            "qmi_wwan 2-1:1.4 wwan0: unregister 'qmi_wwan' usb-xhci-hcd.5.auto-1, WWAN/QMI device",
            "modem_gone",
            1,
            {"interface": "wwan0"},
        ),
        (
            "cdc_ether 1-1:1.0 usb0: register 'cdc_ether' at usb-fc800000.usb-1, CDC Ethernet Device, 00:1e",
            "modem_found",
            1,
            {"interface": "usb0"},
        ),
        (
            "Out of memory: Killed process 2211 (belacoder) total-vm:757496kB, anon-rss:24296kB",
            "oom_kill",
            0,
            {"process": "belacoder"},
        ),
        (
            "Memory cgroup out of memory: Killed process 4 (a b) (c) total-vm:1kB",
            "oom_kill",
            0,
            {"process": "a_b"},
        ),
        (
            "thermal thermal_zone0: critical temperature reached (115 C), shutting down",
            "thermal_trip",
            0,
            {"zone": "thermal_zone0"},
        ),
        (
            "thermal thermal_zone0: soc-thermal: critical temperature reached, shutting down",
            "thermal_trip",
            0,
            {"zone": "soc-thermal"},
        ),
    ],
)
def test_what_a_line_tells(line: str, name: str, priority: int, tags: dict[str, str]) -> None:
    found = kernel.finding(line)
    assert found is not None
    assert (found.name, found.priority, found.tags) == (name, priority, tags)


def test_an_interface_with_another_name() -> None:
    found = kernel.finding("cdc_mbim 1-2:1.12 wwp0s20f0u2i12: renamed from wwan0 (while UP)")
    assert found is not None
    assert (found.name, found.tags, found.formerly) == ("modem_found", {"interface": "wwp0s20f0u2i12"}, "wwan0")


def test_the_hdmi_input() -> None:
    names = [found.name for line in recorded("journal-kernel.jsonl") if (found := kernel.finding(str(line["MESSAGE"])))]
    assert names == ["hdmi_signal_locked", "hdmi_signal_lost", "hdmi_signal_lost", "audio_underrun"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "usb 2-1: new high-speed USB device number 4 using xhci-hcd",
        "usbcore: registered new interface driver cdc_ether",
        "register 'x' at",
        "eth0: unregister 'x'",
        "a b c: un register 'x' at y",
        "signal not lock",
        "audit: killed",
        "rndis_host 1-2:1.0 enp0s20u2: renamed from ",
        "enp0s20u2: renamed from usb0",
    ],
)
def test_what_is_not_known_tells_nothing(line: str) -> None:
    assert kernel.finding(line) is None


@pytest.mark.parametrize("name", ["\x1b[31m", 'a"b\\c', "é" * 200, ""])
def test_names_are_made_fit_for_a_tag(name: str) -> None:
    found = kernel.finding(f"Out of memory: Killed process 1 ({name}) total-vm:1kB")
    assert found is not None
    assert all(char in "abcdefghijklmnopqrstuvwxyz0123456789_[.-:" or char.isalnum() for char in found.tags["process"])
    assert len(found.tags["process"]) <= 32
    assert found.tags["process"].isascii()
