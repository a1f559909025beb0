"""A real srt-live-transmit at both ends of a path that loses packets: what our readers make of its statistics is
compared with what the kernel says it has dropped.

nftables drops them, since the kernels of many virtual machines lack netem.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.collectors import encoder, srt_packet_loss
from belabox_metrics.world import World, defaults

from .reading import numbers
from .waiting import until

NEEDED = ("srt-live-transmit", "ip", "nft", "nsenter")
SENDER, RECEIVER = "10.79.0.1", "10.79.0.2"
LATENCY_MS = 300
PACKET = 1316
PACKETS_PER_S = 500
PACKETS = 4000
# What the SRT library sends of its own is shorter.
DATA = 600
# Reports come by the packet. So many that the tail which is read has them all.
EVERY = 200


class LossyWay:
    """Two network namespaces and a way between them that can lose every tenth packet of data."""

    def __init__(self, name: str) -> None:
        self.names = (f"{name}-a", f"{name}-b")

    def lay(self) -> None:
        for name in self.names:
            run("ip", "netns", "add", name)
        run(
            "ip",
            "-n",
            self.names[0],
            "link",
            "add",
            "wan0",
            "type",
            "veth",
            "peer",
            "name",
            "wan1",
            "netns",
            self.names[1],
        )
        for name, device, address in zip(self.names, ("wan0", "wan1"), (SENDER, RECEIVER)):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", device)
            run("ip", "-n", name, "link", "set", device, "up")
            run("ip", "-n", name, "link", "set", "lo", "up")

    def lose(self) -> None:
        """From now on."""
        data = f"udp dport 5000 udp length > {DATA}"
        rules = (
            "table inet way { chain arrival { type filter hook input priority filter;"
            f' {data} counter comment "data"; {data} numgen inc mod 10 == 0 counter drop comment "dropped"; }}; }}'
        )
        run(*self.inside(1), "nft", rules)

    def inside(self, end: int) -> list[str]:
        return ["ip", "netns", "exec", self.names[end]]

    def counted(self) -> dict[str, int]:
        """Packets of data that came, and those of them that were dropped."""
        listed = json.loads(run(*self.inside(1), "nft", "-j", "list", "ruleset"))["nftables"]
        rules = [entry["rule"] for entry in listed if "rule" in entry]
        return {
            rule["comment"]: part["counter"]["packets"] for rule in rules for part in rule["expr"] if "counter" in part
        }

    def close(self) -> None:
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def way() -> Iterator[LossyWay]:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and {', '.join(NEEDED)}")
    way = LossyWay(f"srt-{os.getpid()}")
    try:
        way.lay()
        yield way
    finally:
        way.close()


@pytest.fixture
def transmit(way: LossyWay, tmp_path: Path) -> Iterator[Callable[[int, str, str], Path]]:
    """transmit(end, source, target) -> the file of statistics of a srt-live-transmit there."""
    started: list[subprocess.Popen[bytes]] = []

    def transmit(end: int, source: str, target: str) -> Path:
        file = tmp_path / f"statistics-{end}.json"
        options = ["-s", str(EVERY), "-f", "-pf", "json", "-statsout", str(file)]
        command = [*way.inside(end), "srt-live-transmit", *options, source, target]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return file

    yield transmit
    for process in started:
        process.terminate()
    for process in started:
        process.wait(120)


def reports(file: Path) -> int:
    return file.read_text().count("\n") if file.exists() else 0


def send(way: LossyWay, packets: int) -> None:
    """To the sender's input, at an even pace."""
    program = (
        "import socket, time\nsender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "began = time.monotonic()\n"
        f"for number in range({packets}):\n"
        f"    time.sleep(max(0, began + number / {PACKETS_PER_S} - time.monotonic()))\n"
        f"    sender.sendto(bytes({PACKET}), ('127.0.0.1', 6000))\n"
    )
    run(*way.inside(0), "python3", "-I", "-c", program)


def test_the_loss_that_is_told_is_the_loss_there_was(way: LossyWay, transmit: Callable[[int, str, str], Path]) -> None:
    received = transmit(1, f"srt://:5000?mode=listener&latency={LATENCY_MS}", "udp://127.0.0.1:6001")
    until(lambda: ":5000" in run(*way.inside(1), "ss", "-lun"), "nobody listens")
    sent = transmit(0, "udp://:6000", f"srt://{RECEIVER}:5000?mode=caller&latency={LATENCY_MS}")
    until(lambda: ":6000" in run(*way.inside(0), "ss", "-lun"), "nobody sends")

    of_receiver = {**defaults(srt_packet_loss.SETTINGS), "file": str(received)}
    of_sender = {**defaults(srt_packet_loss.SETTINGS), "file": str(sent)}
    of_encoder = {**defaults(encoder.SETTINGS), "statistics_file": str(sent)}
    send(way, PACKETS // 4)
    until(lambda: reports(received) >= 2 and reports(sent) >= 2, "there are no statistics")
    states = [srt_packet_loss.collect(World("", of)).state for of in (of_receiver, of_sender)]
    states.append(encoder.collect(World("", of_encoder)).state)
    # What was lost before is no matter: the rates are of the time since.
    way.lose()
    send(way, PACKETS - PACKETS // 4)

    came = way.counted()
    # What is sent again comes right behind what was dropped, and so is never a tenth itself: it comes, and comes once.
    lost_percent = 100 * came["dropped"] / (came["data"] - came["dropped"])
    assert came["dropped"] > PACKETS / 20
    receiver = numbers(srt_packet_loss.collect(World("", of_receiver, states[0], 5000)))
    assert receiver["srt.packet_loss_percent"] == pytest.approx(lost_percent, abs=0.7)
    assert receiver["srt.packets_dropped_total"] == 0
    assert receiver["srt.latency_ms"] == LATENCY_MS
    assert receiver["srt.packets_lost_total"] == pytest.approx(came["dropped"], rel=0.2)
    sender = numbers(srt_packet_loss.collect(World("", of_sender, states[1], 5000)))
    # What was sent again last is in no report of the sender yet. Of all that was sent it would be 10.
    assert sender["srt.retransmit_percent"] == pytest.approx(lost_percent, abs=1)
    assert "srt.packet_loss_percent" not in sender
    encoded = numbers(encoder.collect(World("", of_encoder, states[2], 5000)))
    # The pace, the headers, and what was sent again.
    paced_kbps = PACKETS_PER_S * PACKET * 8 / 1000
    assert encoded["encoder.send_rate_kbps"] == pytest.approx(paced_kbps * 1.14, rel=0.1)
