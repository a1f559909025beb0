"""Every parser of text that comes from outside, with what was recorded of it."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from email.message import Message
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, Callable, cast

from belabox_metrics import http_get, interrupts, json_text
from belabox_metrics.collectors import (
    audio,
    cpu_temperature,
    cpu_usage,
    disk_io,
    disk_usage,
    gps,
    gpu,
    hdmi_input,
    io_wait,
    memory_usage,
    network_traffic,
    npu,
    pressure,
    system_load,
    system_uptime,
)
from belabox_metrics.config import address, configuration, duration, edit
from belabox_metrics.config.findings import Unfit
from belabox_metrics.encoder import belacoder, ffmpeg_progress, hardware
from belabox_metrics.health import access, request
from belabox_metrics.modem import interfaces, mmcli, series
from belabox_metrics.own import lines as own_lines
from belabox_metrics.receiver import body, document
from belabox_metrics.receiver import lines as receiver_lines
from belabox_metrics.remote import http_date, retry_after, urls
from belabox_metrics.sample import Sample
from belabox_metrics.selection import Selection
from belabox_metrics.srt import arrival, live_transmit, relay, srtla_telemetry
from belabox_metrics.store import runs
from belabox_metrics.stream import belaui, kernel, links, processes, setup
from belabox_metrics.stream.repeats import Repeats
from belabox_metrics.verify import exported

from .target import FIXTURES, NOW_MS, REFUSALS, Target, of_file, of_text

BOX = "orangepi5plus"


def stored(samples: list[Sample]) -> None:
    """What becomes of samples: they must be fit to be stored and read back."""
    packed = runs.pack(samples)[1]
    if packed is not None:
        json.loads(packed, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


# ---- those that are more than one call ----


def _relay(text: str) -> None:
    found = relay.parse(text, "host")
    stored(relay.collect(found))
    if found is not None:
        stored(relay.viewers(found))
        relay.kind(found)
        before = relay.marked(relay.mark(found, arrival.MARKED), arrival.MARKED)
        stored(arrival.shares(before, {**found, "uptime": 2**40}, 5000))
        relay.loss_percent(before, found, 5000)


def _live_transmit(text: str) -> None:
    reports = live_transmit.parse(text, "file")
    stored(live_transmit.collect(reports, ""))
    stored(live_transmit.collect(reports, live_transmit.mark(reports)))


def _srtla(text: str) -> None:
    found = json_text.parse(text)
    srtla_telemetry.recognises(found)
    stored(srtla_telemetry.collect(found, "file"))


def _progress(text: str) -> None:
    block = ffmpeg_progress.parse(text, "file")
    stored(ffmpeg_progress.collect(block, NOW_MS, ""))
    stored(ffmpeg_progress.collect(block, NOW_MS, ffmpeg_progress.mark(block, NOW_MS - 5000)))


def _belaui(text: str) -> None:
    repeats = Repeats()
    for line in text.split("\n"):
        for found in (belaui.finding(line), kernel.finding(line)):
            event = repeats.event(found, found.tags, NOW_MS) if found else None
            if event:
                assert event.text.isprintable()
                stored([Sample("stream.event", 1, {"event": event.name, **event.tags})])
    Repeats.of(repeats.text(NOW_MS))


def _mmcli(text: str) -> None:
    answer = mmcli.texts_only(json_text.parse(text))
    inner = answer.get("modem") if isinstance(answer, dict) else answer
    for one in (answer, inner):
        stored([*series.of(one, {"modem": "m"}), *series.signals(one, {"modem": "m"})])
        series.interface(one)
        series.bearers(one)
        series.measured(one)


def _gps(data: bytes) -> None:
    report = gps._report(data, "gpsd")
    stored([*gps.fix(report), *gps.sky(report)])


def _own(text: str) -> None:
    samples, faults = own_lines.parse(text)
    stored(samples)
    assert all(len(fault.splitlines()) <= 1 for fault in faults)


def _command_line(text: str) -> None:
    arguments = text.split("\0")
    setup.encoder(arguments)
    json.loads(setup.metadata({**setup.bonder(arguments), **setup.elements(text)}))
    setup.addresses_file(arguments)


def _routes(root: str) -> None:
    table = links.routes(root)
    for wanted in ("10.0.0.1", "192.168.1.77"):
        links.candidates(wanted, table)


def _process(root: str) -> None:
    found = processes.find(root)
    for process in found.values():
        processes.alive(root, process)


def _configuration(root: str) -> None:
    configuration.load(f"{root}/config.yaml").settings()


def _edit(text: str) -> None:
    edit.with_settings(text, [("remote", "url", "http://x/"), ("device", "id", "b")])


def _chunked(data: bytes) -> None:
    head = Message()
    head["Transfer-Encoding"] = "chunked"
    with suppress(body.Refusal):
        body.read(head, cast("Any", BufferedReader(cast("Any", BytesIO(data)))))


def _gzipped(data: bytes) -> None:
    head = Message()
    head["Content-Encoding"] = "gzip"
    # Hardly anything is gzip by chance: once as it is, once in an envelope that is right.
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    for sent in (data, packer.compress(data) + packer.flush() + data):
        with suppress(body.Refusal):
            body.unpacked(sent, head)


def _request(data: bytes) -> None:
    with suppress(request.Refusal):
        asked = request.parse(data)
        if asked is not None:
            asked.peer = "203.0.113.9"
            # A stranger, whose headers and query are looked at for the token.
            access.Access([], "token").refusal(asked)


def _head(data: bytes) -> None:
    with suppress(*REFUSALS):
        http_get.parse_head(data, "host")


def _exported(data: bytes) -> None:
    with suppress(*REFUSALS):
        exported.parse(data, "server")


def _urls(text: str) -> None:
    for parse in (http_get.Url, address.url, urls.endpoint, urls.origin, urls.query_secrets, urls.export_url):
        with suppress(*REFUSALS, Unfit, ValueError):
            cast("Callable[[str], object]", parse)(text)
    for unfit in (address.listen, duration.parse):
        with suppress(Unfit):
            cast("Callable[[str], object]", unfit)(text)


def _dates(text: str) -> None:
    http_date.parse(text, NOW_MS / 1000)
    retry_after.retry_after(text, text, NOW_MS / 1000)


# ---- the table ----


def fixture(pattern: str) -> list[Path | str | bytes]:
    found: list[Path | str | bytes] = [*sorted(FIXTURES.glob(pattern))]
    assert found, f"there is no fixture {pattern}"
    return found


def proc(name: str) -> list[Path | str | bytes]:
    return fixture(f"*/proc/{name}")


def said(pattern: str) -> list[Path | str | bytes]:
    """The messages of a recorded journal, a line each."""
    entries = [json.loads(line) for file in FIXTURES.glob(pattern) for line in file.read_text().splitlines()]
    return [entry["MESSAGE"] for entry in entries]


DOCUMENT = """{"session_id": "s", "device_id": "belabox-001", "timestamp": "2025-10-11T14:30:00.123Z", "metrics":
[{"name": "cpu.usage", "value": 45.2, "tags": {"core": "0"}, "timestamp": "2025-10-11T14:30:00.123Z"}]}"""
LINE = '{"metric":{"__name__":"a","core":"0"},"values":[1.5],"timestamps":[1795200000000]}'
HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
REQUEST = "GET /health?x=1 HTTP/1.1\r\nHost: box:9100\r\nConnection: close\r\n\r\n"
# As in tests/unit/stream/test_kernel.py: what no recording has.
KERNEL = """usb 2-1: USB disconnect, device number 3
qmi_wwan 2-1:1.4 wwan0: unregister 'qmi_wwan' usb-xhci-hcd.5.auto-1, WWAN/QMI device
cdc_ether 1-1:1.0 usb0: register 'cdc_ether' at usb-fc800000.usb-1, CDC Ethernet Device, 00:1e
Out of memory: Killed process 2211 (belacoder) total-vm:757496kB, anon-rss:24296kB
thermal thermal_zone0: critical temperature reached (115 C), shutting down
"""
DATES: list[Path | str | bytes] = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "120",
]
URLS: list[Path | str | bytes] = [
    "http://user:pass@host:8428/api/v1/import?a=b#c",
    "https://[::1]:1/",
    "127.0.0.1:9100",
    "1h30m",
]
DIRECTION = Selection([], [])

TARGETS = [
    Target("audio", of_text(audio.parse), fixture(f"{BOX}/proc/asound/card*/pcm*/sub*/*")),
    Target(
        "cpu.temperature",
        of_text(lambda text: cpu_temperature.parse(cpu_temperature.Zone("thermal_zone0", "soc", text))),
        fixture(f"{BOX}/sys/class/thermal/thermal_zone*/temp"),
    ),
    Target("cpu.usage", of_text(cpu_usage.parse), proc("stat")),
    Target("disk.io", of_text(lambda text: disk_io.parse(text, DIRECTION)), proc("diskstats")),
    Target("disk.usage", of_text(disk_usage.parse), proc("self/mounts")),
    Target("gpu", of_text(gpu.parse), fixture(f"{BOX}/sys/class/devfreq/*/load")),
    Target("hdmi.present", of_text(lambda text: hdmi_input.parse_present(text, "v")), fixture("v4l2/get-ctrl-*.txt")),
    Target("hdmi.mode", of_text(lambda text: hdmi_input.parse_mode(text, "v")), fixture("v4l2/query-dv-*.txt")),
    Target("io.wait", of_text(io_wait.parse), proc("stat")),
    Target("memory.usage", of_text(memory_usage.parse), proc("meminfo")),
    Target("network.traffic", of_text(lambda text: network_traffic.parse(text, DIRECTION)), proc("net/dev")),
    Target("npu", of_text(lambda text: npu.parse(text, "n")), ["NPU load:  Core0: 12%, Core1:  0%, Core2:  0%,\n"]),
    Target("pressure", of_text(lambda text: pressure.parse(text, "p")), proc("pressure/*")),
    Target("system.load", of_text(system_load.parse), proc("loadavg")),
    Target("system.uptime", of_text(system_uptime.parse), proc("uptime")),
    Target("interrupts", of_text(lambda text: interrupts.parse(text, "rkvenc-core")), proc("interrupts")),
    Target("encoder.load", of_text(hardware.parse_loads), fixture("mpp/*.txt")),
    Target("encoder.limits", of_file(belacoder.LIMITS, belacoder.limits), fixture("*/tmp/belacoder_br")),
    Target("encoder.progress", of_text(_progress), fixture("ffmpeg/progress.txt")),
    Target("gps", lambda data: _refused(_gps, data), fixture("gpsd/*.json")),
    Target("modem", of_text(_mmcli, ValueError), fixture("mmcli/*.json")),
    Target(
        "modem.usb",
        of_file("/sys/class/net/usb0/device/uevent", interfaces.on_usb),
        fixture(f"{BOX}/sys/class/net/*/device/uevent"),
    ),
    Target("srt.relay", of_text(_relay), fixture("sls/*.json")),
    Target("srt.live_transmit", of_text(_live_transmit), fixture("srt-live-transmit/*.json")),
    Target("srt.srtla", of_text(_srtla, ValueError), fixture("srtla-telemetry/*.json")),
    Target("stream.lines", of_text(_belaui), [*said("belabox/*.jsonl"), *fixture("belabox/*.txt"), KERNEL]),
    Target("stream.command", of_text(_command_line), fixture("belabox-live/proc/*/cmdline")),
    Target("stream.pipeline", of_text(setup.elements), fixture("belabox-live/tmp/belacoder_pipeline")),
    Target("stream.routes", of_file(links.ROUTES, _routes), proc("net/route")),
    Target("stream.addresses", of_file(links.ADDRESSES, links.addresses), fixture("*/tmp/srtla_ips")),
    Target("stream.process", of_file("/proc/2204/stat", _process), fixture("belabox-live/proc/*/stat")),
    Target("own.lines", of_text(_own), ['room.temperature 21.5\nroom.door{side="left"} 1\n# a comment\n']),
    Target(
        "configuration", of_file("/config.yaml", _configuration), [Path(__file__).parents[2] / "configs/config.yaml"]
    ),
    Target("configuration.edit", of_text(_edit, edit.NoPlaceFound), ["remote: {url: x}\ndevice:\n  id: a  # b\n"]),
    Target("json", of_text(json_text.parse, ValueError), [LINE, DOCUMENT, '[1e5, "\\u00e5\\ud800", null, NaN]']),
    Target("http.head", _head, [HEAD]),
    Target("http.request", _request, [REQUEST]),
    Target("http.dates", of_text(_dates), DATES),
    Target("urls", of_text(_urls), URLS),
    Target("receiver.document", lambda data: document.judge(data, "box-1", NOW_MS), [DOCUMENT]),
    Target("receiver.lines", lambda data: receiver_lines.judge(data, "box-1", NOW_MS), [f"{LINE}\n{LINE}\n"]),
    Target("receiver.chunks", _chunked, ["5\r\nhello\r\n0\r\n\r\n"]),
    Target("receiver.gzip", _gzipped, [LINE]),
    Target("verify.export", _exported, [LINE]),
]


def _refused(parse: Callable[[bytes], object], data: bytes) -> None:
    with suppress(*REFUSALS):
        parse(data)
