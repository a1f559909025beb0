"""A streaming box in a machine: what BELABOX starts, a modem, an HDMI source, an encoder, a relay, all by stand-ins
that a script can break one by one. What looks at them is the real thing."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from ..machine import CHECKOUT, Machine
from .belaui import SECRET
from .kernel_log import KernelLog

__all__ = ["DEVICE", "SECRET", "StreamingBox"]

DEVICE = "box-1"
FOLDER = "/run/stream"
HERE = "/src/tests/machine/stream"
BOARD = f"{FOLDER}/box"
REQUESTS = f"{FOLDER}/requests.jsonl"
# The relay's page; a front before VictoriaMetrics that writes down when what came.
RELAY_PORT, FRONT_PORT, SERVER_PORT = 8181, 8429, 8428
URL = f"http://127.0.0.1:{FRONT_PORT}/api/v1/import"
RELAY = f"http://127.0.0.1:{RELAY_PORT}/stats?publisher=publish/live/feed1"
# Interface, address, and the address of what is behind it. The second is the modem's.
LINKS = (("eth0", "10.77.0.2", "10.77.0.1"), ("wwan0", "10.75.12.34", "10.75.12.1"))
MODEM = LINKS[1]
# By which srtla_send tells its links apart.
POINTERS = {"10.77.0.2": "0x558193f9b510", "10.75.12.34": "0x558193f9c970"}
FRAMES_PER_S = 30
HOT, COOL = "91000", "48076"
STATES = ("ok", "waiting", "absent", "failing", "late", "off")

CONFIG = f"""
device: {{id: {DEVICE}}}
remote: {{url: "{URL}", enabled: true, upload_interval: 5s, priority: {{high: 5s}}}}
# The buffer of a receiver is full of what is not due yet, and so it is here, while all is well.
alerts: {{buffer: {{enabled: false}}}}
metrics:
  - {{name: stream.session, interval: 1s}}
  - {{name: stream.events, interval: 1s}}
  - {{name: stream.links, interval: 2s}}
  - {{name: stream.health, interval: 2s}}
  - {{name: srt.relay, interval: 2s, config: {{url: "{RELAY}", timeout: 1s}}}}
  - {{name: encoder, interval: 2s}}
  - {{name: hdmi.input, interval: 2s}}
  - {{name: modem, interval: 10s}}
  - {{name: cpu.temperature, interval: 2s}}
  - {{name: gpu, interval: 10s}}
  - {{name: memory.usage, interval: 10s}}
  - {{name: power, interval: 1m, enabled: false}}
"""
# Of these the whole box is a folder; the encoder needs the process table besides, and so gets one file of it.
ON_THE_BOARD = ("hdmi.input", "modem", "cpu.temperature")
V4L2_CTL = f"""#!/bin/sh
case "$*" in
*--get-ctrl=power_present) exec cat {FOLDER}/v4l2/present ;;
*--query-dv-timings) cat {FOLDER}/v4l2/timings; exit $(cat {FOLDER}/v4l2/code) ;;
esac
exit 1
"""
CHILD = """while read -r line; do
    [[ $line != exit ]] || exit 0
    printf '%s\\n' "$line" >&2
done
exit 0
"""
PIPELINE = (
    "v4l2src device=/dev/hdmi_capture ! identity name=ptsfixup ! mpph265enc name=venc_kbps ! h265parse ! mux.\n"
    "alsasrc device=hw:rockchiphdmiin ! voaacenc ! mux.\nmpegtsmux name=mux ! appsink name=appsink\n"
)


class StreamingBox:
    """`encoding`: the hardware encodes frames."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.root = Path(f"/proc/{machine.pid}/root")
        self.kernel = KernelLog(machine)
        self.encoding = threading.Event()
        self._over = threading.Event()
        self._frames = threading.Thread(target=self._count_frames, daemon=True)

    # ---- before the script ----

    def furnish(self) -> None:
        """All that is there before somebody presses the button, with belabox-metrics installed and running."""
        machine = self.machine
        machine.run("mkdir", "-p", f"{FOLDER}/bin")
        for name in ("srtla_send", "belacoder"):
            machine.run("cp", "/bin/bash", f"{FOLDER}/bin/{name}")
        machine.run("cp", "-r", "/src/tests/fixtures/orangepi5plus", BOARD)
        machine.run("cp", "-r", "/src/tests/fixtures/mmcli", FOLDER)
        self.write(f"{FOLDER}/child", CHILD)
        self.write(f"{FOLDER}/belacoder/pipelines/custom/h265_hdmi", PIPELINE)
        self.write(f"{BOARD}/usr/bin/v4l2-ctl", V4L2_CTL)
        self.write("/tmp/belacoder_br", "300000\n6000000\n")
        self.write("/tmp/srtla_ips", "".join(f"{address}\n" for _, address, _ in LINKS))
        self._interrupts = (self.root / BOARD[1:] / "proc/interrupts").read_text()
        self.write(f"{FOLDER}/interrupts", self._interrupts)
        self.plug_source()
        self.plug_modem()
        self._units()
        machine.run("/src/install.sh", "--remote", URL, "--device-id", DEVICE, timeout=300)
        self.write("/etc/belabox-metrics/config.yaml", CONFIG)
        machine.run("belabox-metrics", "apply")
        self._frames.start()

    def _units(self) -> None:
        units = "/run/systemd/system"
        service = "[Service]\nSyslogIdentifier=belaUI\nExecStart=/usr/bin/python3 -I"
        self.write(f"{units}/belaUI.service", f"{service} {HERE}/belaui.py {FOLDER}\n")
        relay = f"/src/tests/machine/relay.py {RELAY_PORT} {FOLDER}/publisher.json"
        self.write(f"{units}/relay.service", f"[Service]\nExecStart=/usr/bin/python3 -I {relay}\n")
        front = f"/src/tests/link/front.py 127.0.0.1 {FRONT_PORT} {SERVER_PORT} {REQUESTS}"
        self.write(f"{units}/front.service", f"[Service]\nExecStart=/usr/bin/python3 -I {front}\n")
        for metric in ON_THE_BOARD:
            board = f"[Service]\nEnvironment=BELABOX_METRICS_ROOT={BOARD}\n"
            self.write(f"{units}/belabox-metrics@{metric}.service.d/90-board.conf", board)
        interrupts = f"[Service]\nBindReadOnlyPaths={FOLDER}/interrupts:/proc/interrupts\n"
        self.write(f"{units}/belabox-metrics@encoder.service.d/90-board.conf", interrupts)
        self.machine.run("chmod", "-R", "a+rX", FOLDER)
        self.machine.run("chmod", "a+x", f"{BOARD}/usr/bin/v4l2-ctl")
        self.machine.systemctl("daemon-reload")
        self.machine.systemctl("start", "relay.service", "front.service", "belaUI.service")
        self.machine.wait_until(lambda: (self.root / f"{FOLDER[1:]}/orders").exists(), "belaUI is not up")

    def write(self, path: str, text: str) -> None:
        """In place, since a unit may have the file mounted; as root's, without starting a program."""
        there = self.root / path[1:]
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text)

    def close(self) -> None:
        self._over.set()
        self.encoding.clear()

    # ---- what a script may do ----

    def order(self, *orders: str) -> float:
        """To belaUI; when that was, Unix seconds."""
        at = time.time()
        with open(self.root / f"{FOLDER[1:]}/orders", "w") as pipe:
            pipe.write("".join(f"{order}\n" for order in orders))
        return at

    def link(self, name: str, said: str) -> float:
        """srtla_send says so of the link over that interface."""
        address = next(address for interface, address, _ in LINKS if interface == name)
        return self.order(f"srtla_send {address} ({POINTERS[address]}): {said}")

    def plug_modem(self) -> None:
        name, address, behind = MODEM
        for command in (
            f"ip link add {name} type veth peer name {name} netns far-end",
            f"ip address add {address}/24 dev {name}",
            f"ip link set {name} up",
            f"ip netns exec far-end ip address add {behind}/24 dev {name}",
            f"ip netns exec far-end ip link set {name} up",
        ):
            self.machine.run(*command.split())

    def pull_modem(self) -> None:
        self.machine.run("ip", "link", "delete", MODEM[0])

    def plug_source(self) -> None:
        self._source("1", "query-dv-timings-1080p60.txt", 0)

    def pull_source(self) -> None:
        self._source("0", "query-dv-timings-no-signal.txt", 255)

    def _source(self, present: str, timings: str, code: int) -> None:
        recorded = CHECKOUT / "tests/fixtures/v4l2"
        self.write(f"{FOLDER}/v4l2/present", (recorded / f"get-ctrl-power_present-{present}.txt").read_text())
        self.write(f"{FOLDER}/v4l2/timings", (recorded / timings).read_text())
        self.write(f"{FOLDER}/v4l2/code", f"{code}\n")

    def heat(self, millidegrees: str) -> None:
        for zone in (self.root / BOARD[1:] / "sys/class/thermal").glob("thermal_zone*/temp"):
            zone.write_text(f"{millidegrees}\n")

    def relay_gets_nothing(self) -> None:
        self.write(f"{FOLDER}/publisher.json", "null")

    def relay_gets_the_stream(self) -> None:
        self.write(f"{FOLDER}/publisher.json", "{}")

    def _count_frames(self) -> None:
        """While it encodes, an interrupt a frame."""
        row = next(line for line in self._interrupts.splitlines() if "fdbd0000.rkvenc-core" in line)
        count = int(row.split()[1])
        told = time.monotonic()
        while not self._over.wait(0.2):
            now = time.monotonic()
            if self.encoding.is_set():
                count += round((now - told) * FRAMES_PER_S)
                changed = row.replace(row.split()[1].rjust(10), str(count).rjust(10), 1)
                self.write(f"{FOLDER}/interrupts", self._interrupts.replace(row, changed))
            told = now

    # ---- what became of it ----

    def requests(self) -> list[dict[str, Any]]:
        """What the server was sent, and when it had accepted it."""
        return [json.loads(line) for line in (self.root / REQUESTS[1:]).read_text().splitlines()]

    def status(self) -> dict[str, tuple[str, str]]:
        """Metric to what the command says of it: state, and values or the reason."""
        lines = self.machine.run("belabox-metrics", "status").stdout.splitlines()
        column = next(line for line in lines if line.startswith("METRIC")).index("LAST VALUES")
        rows = [line for line in lines if line[column - 1 : column] == " " and line.split()[1] in STATES]
        return {row.split()[0]: (row.split()[1], row[column:]) for row in rows}
