"""The collectors of the board inside their sandbox, which hides, repeats and forbids things."""

from __future__ import annotations

import pytest

from .machine import Machine
from .test_pipeline import collected

pytestmark = pytest.mark.machine

# Says what gpsd does to whoever asks, then waits until they leave.
GPSD = """
import socket
server = socket.create_server(("127.0.0.1", 2947))
while True:
    client, _ = server.accept()
    client.recv(100)
    client.sendall(b'{"class":"VERSION","release":"3.22","proto_major":3,"proto_minor":14}\\n'
                   b'{"class":"TPV","mode":2,"lat":52.5,"lon":13.4}\\n'
                   b'{"class":"SKY","satellites":[{"used":true}]}\\n')
    client.recv(1)
"""


def test_disks_agree_with_df(machine: Machine) -> None:
    """The sandbox mounts parts of the disk again, which df outside of it does not see."""
    values = collected(machine, "disk.usage")
    listed = machine.run("df", "--local", "-B1", "--output=source,target,size,avail").stdout.splitlines()[1:]
    rows = [line.split() for line in reversed(listed)]
    # The machine's own root is an overlay.
    disks = {source: rest for source, *rest in rows if source.startswith("/dev/") or rest[0] == "/"}
    assert len(values) == 4 * len(disks)
    for target, size, available in disks.values():
        assert values[f'disk.total_bytes{{"mount":"{target}"}}'] == int(size)
        assert values[f'disk.available_bytes{{"mount":"{target}"}}'] == pytest.approx(int(available), rel=0.05)


def test_load_and_uptime(machine: Machine) -> None:
    uptime = float(machine.run("cat", "/proc/uptime").stdout.split()[0])
    assert collected(machine, "system.uptime")["system.uptime_seconds"] == pytest.approx(uptime, abs=310)
    assert collected(machine, "system.load")["system.load_1m"] >= 0


def test_the_position_comes_through_the_sandbox(machine: Machine) -> None:
    """No other collector but the relay's may use the network; this one may speak to its own machine."""
    machine.run("systemd-run", "--unit=gpsd-stand-in", "/usr/bin/python3", "-c", GPSD)
    try:
        machine.wait_until(lambda: ":2947" in machine.run("ss", "-ltn").stdout, "nobody listens")
        values = collected(machine, "gps")
    finally:
        machine.systemctl("stop", "gpsd-stand-in.service")
    assert values["gps.latitude_degrees"] == 52.5
    assert values["gps.satellites_used"] == 1
    assert "gps.altitude_meters" not in values
