"""The texts of unit files, also as systemd reads them."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.config.address import PRIVATE
from belabox_metrics.config.configuration import load
from belabox_metrics.config.known import discover
from belabox_metrics.schedule import relays, units

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
device: {id: box}
metrics:
  - {name: cpu.usage, interval: 10s}
  - {name: disk.io, interval: 45s}
  - {name: memory.usage, interval: 7s}
  - {name: cpu.temperature, interval: 7s}
  - {name: network.traffic, interval: 10s, enabled: false}
  - {name: srt.packet_loss, interval: 5s}
"""


def render(tmp_path: Path, more: str = "") -> dict[str, str]:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG + more)
    return units.render(load(str(path)))


def body(text: str) -> list[str]:
    """Without comments and blank lines."""
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def test_there_is_a_timer_for_each_metric_that_can_run(tmp_path: Path) -> None:
    assert list(render(tmp_path)) == [
        "belabox-metrics@cpu.usage.timer",
        "belabox-metrics@disk.io.timer",
        "belabox-metrics@memory.usage.timer",
        "belabox-metrics@cpu.temperature.timer",
        "belabox-metrics-maintain.timer",
    ]


def test_a_timer_on_the_clock(tmp_path: Path) -> None:
    assert body(render(tmp_path)["belabox-metrics@disk.io.timer"]) == [
        "[Unit]",
        "Description=Collect disk.io every 45s",
        "After=sysinit.target",
        "Before=shutdown.target",
        "Conflicts=shutdown.target",
        "DefaultDependencies=no",
        "PartOf=belabox-metrics.target",
        "Requires=sysinit.target",
        "StartLimitIntervalSec=0",
        "[Timer]",
        "AccuracySec=1ms",
        "OnCalendar=*:00/3:44.2 UTC",
        "OnCalendar=*:01/3:29.2 UTC",
        "OnCalendar=*:02/3:14.2/45 UTC",
        "OnUnitActiveSec=67500ms",
    ]


def test_timers_that_count_are_staggered_from_boot(tmp_path: Path) -> None:
    found = render(tmp_path)
    starts = {
        metric: [line for line in body(found[f"belabox-metrics@{metric}.timer"]) if line.startswith("On")]
        for metric in ("cpu.temperature", "memory.usage")
    }
    assert starts == {
        "cpu.temperature": ["OnBootSec=20s", "OnUnitActiveSec=7s"],
        "memory.usage": ["OnBootSec=23500ms", "OnUnitActiveSec=7s"],
    }


def test_no_timer_makes_up_for_what_was_missed_or_starts_again_at_a_reload(tmp_path: Path) -> None:
    for text in render(tmp_path, "remote: {url: 'http://x/'}\n").values():
        assert "Persistent=" not in text
        assert "OnActiveSec=" not in text


def test_upload_and_maintenance_count_from_their_end(tmp_path: Path) -> None:
    more = "remote: {url: 'http://x/', upload_interval: 1m30s}\nstorage: {wal_checkpoint_interval: 30m}\n"
    found = render(tmp_path, more)
    upload = body(found["belabox-metrics-upload.timer"])
    assert "OnUnitInactiveSec=90s" in upload
    assert "RandomizedDelaySec=9s" in upload
    assert "PartOf=belabox-metrics.target" in upload
    assert "OnUnitInactiveSec=1800s" in body(found["belabox-metrics-maintain.timer"])


def test_clocks_are_compared_as_long_as_there_is_a_server_and_not_by_all_boxes_at_once(tmp_path: Path) -> None:
    assert "belabox-metrics-clock.timer" not in render(tmp_path)
    assert "belabox-metrics-clock.timer" not in render(tmp_path, "remote: {url: 'http://x/', enabled: false}\n")
    more = "remote: {url: 'http://x/'}\nmonitoring: {clock_skew_check_interval: 10m}\n"
    assert body(render(tmp_path, more)["belabox-metrics-clock.timer"])[-4:] == [
        "AccuracySec=1s",
        "OnBootSec=101700ms",
        "OnUnitInactiveSec=600s",
        "RandomizedDelaySec=60s",
    ]


def test_defaults_need_no_drop_ins(tmp_path: Path) -> None:
    more = "logging: {level: info}\nhealth: {port: 9100}\nstorage: {path: /var/lib/belabox-metrics/metrics.db}\n"
    assert not any(".d/" in path for path in render(tmp_path, more))


@pytest.mark.parametrize(
    ("level", "line"), [("debug", "LogLevelMax=debug"), ("warn", "LogLevelMax=warning"), ("error", "LogLevelMax=err")]
)
def test_log_level(tmp_path: Path, level: str, line: str) -> None:
    found = render(tmp_path, f"logging: {{level: {level}}}\n")
    assert body(found["belabox-metrics@.service.d/50-configured.conf"]) == ["[Service]", line]


def test_another_database_is_writable_and_waited_for(tmp_path: Path) -> None:
    found = render(tmp_path, 'storage: {path: "/mnt/a b%c\\"d\\\\e/m.db"}\n')
    texts = {text for path, text in found.items() if ".d/" in path}
    assert [body(text) for text in texts] == [
        [
            "[Unit]",
            r'RequiresMountsFor="/mnt/a b%%c\"d\\e"',
            "[Service]",
            r'Environment="BELABOX_METRICS_DATABASE=/mnt/a b%%c\"d\\e/m.db"',
            r'ReadWritePaths=-"/mnt/a b%%c\"d\\e"',
        ]
    ]
    assert sum(".d/" in path for path in found) == 3


@pytest.mark.parametrize(
    ("archive", "paths"),
    [
        ("enabled: true", []),
        ('enabled: true, path: "/mnt/a b"', ["[Service]", 'ReadWritePaths=-"/mnt/a b"']),
        ("enabled: false, path: /mnt/stick", []),
    ],
)
def test_an_archive_elsewhere_is_writable_for_who_fills_it(tmp_path: Path, archive: str, paths: list[str]) -> None:
    found = render(tmp_path, f"storage: {{archive: {{{archive}}}}}\n")
    assert body(found.get("belabox-metrics-maintain.service.d/60-archive.conf", "")) == paths


NOBODY_ELSE = ["RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "ProtectKernelLogs=yes", "ProtectKernelModules=yes"]


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("203.0.113.5", "IPAddressAllow=203.0.113.5"),
        ("[2001:db8::5]", "IPAddressAllow=2001:db8::5"),
        # It travels as IPv4.
        ("[::ffff:203.0.113.5]", "IPAddressAllow=203.0.113.5"),
        ("relay.example", "IPAddressDeny="),
        # The resolver understands it, the kernel's filter does not.
        ("127.1", "IPAddressDeny="),
    ],
)
def test_a_collector_may_speak_to_the_relay_that_it_asks(tmp_path: Path, host: str, line: str) -> None:
    asked = f"config: {{url: 'http://{host}:8181/stats?publisher=secret'}}"
    found = render(tmp_path, f"  - {{name: srt.relay, interval: 5s, {asked}}}\n")
    assert {path: body(text) for path, text in found.items() if ".d/" in path} == {
        "belabox-metrics@srt.relay.service.d/60-relay.conf": ["[Service]", line, *NOBODY_ELSE]
    }


def test_no_collector_has_the_network_without_a_relay(tmp_path: Path) -> None:
    found = render(tmp_path, "  - {name: srt.relay, interval: 5s}\n  - {name: stream.links, interval: 5s}\n")
    assert not any(".d/" in path for path in found)


def test_whoever_has_a_url_gets_the_network_for_it() -> None:
    with_url = {name for name, known in discover().items() if "url" in known.settings}
    assert with_url == set(relays.METRICS)


@pytest.mark.parametrize(
    ("listen", "lines"),
    [
        ("127.0.0.1:9200", ["ListenStream=127.0.0.1:9200"]),
        ("'[::1]:9100'", ["ListenStream=[::1]:9100"]),
        ("9200", ["ListenStream=127.0.0.1:9200"]),
        ("':9100'", ["ListenStream=[::]:9100", *[f"IPAddressAllow={network}" for network in PRIVATE]]),
        ("':9100', allow: [192.168.1.0/24]", ["ListenStream=[::]:9100", "IPAddressAllow=192.168.1.0/24"]),
        ("':9100', token_file: /etc/token", ["ListenStream=[::]:9100", "IPAddressAllow=any"]),
        ("10.0.0.7:9100, allow: []", ["ListenStream=10.0.0.7:9100", "FreeBind=yes"]),
    ],
)
def test_another_address_of_the_health_socket(tmp_path: Path, listen: str, lines: list[str]) -> None:
    found = render(tmp_path, f"health: {{listen: {listen}}}\n")
    text = found["belabox-metrics-health.socket.d/50-configured.conf"]
    assert body(text) == ["[Socket]", "ListenStream=", *lines]


@pytest.mark.parametrize(
    ("health", "lines"),
    [
        ("listen: ':9100'", [f'Environment="BELABOX_HEALTH_NETWORKS={" ".join(PRIVATE)}"']),
        ("listen: ':9100', allow: [10.0.0.0/8]", ['Environment="BELABOX_HEALTH_NETWORKS=10.0.0.0/8"']),
        (
            "listen: ':9100', token_file: '/etc/a b%c'",
            [
                'Environment="BELABOX_HEALTH_NETWORKS="',
                'Environment="BELABOX_HEALTH_TOKEN_FILE=/etc/a b%%c"',
                "LoadCredential=health-token:/etc/a b%%c",
            ],
        ),
        (
            "listen: ':9100', token_file: /etc/token, allow: [10.0.0.0/8]",
            [
                'Environment="BELABOX_HEALTH_NETWORKS=10.0.0.0/8"',
                'Environment="BELABOX_HEALTH_TOKEN_FILE=/etc/token"',
                "LoadCredential=health-token:/etc/token",
            ],
        ),
        ("listen: '[::1]:9100', token_file: /etc/token", []),
    ],
)
def test_who_is_answered_is_told_to_the_responder(tmp_path: Path, health: str, lines: list[str]) -> None:
    text = render(tmp_path, f"health: {{{health}}}\n").get("belabox-metrics-health.service.d/60-access.conf", "")
    assert body(text) == (["[Service]", *lines] if lines else [])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_has_nothing_to_say_about_them(tmp_path: Path) -> None:
    """It leaves with 0 after unknown keys and wrong values: only silence is good."""
    more = (
        "  - {name: srt.relay, interval: 5s, config: {url: 'http://[2001:db8::5]/stats'}}\n"
        "  - {name: stream.links, interval: 5s, config: {url: 'http://relay.example/stats'}}\n"
        'storage: {path: "/mnt/a b%c/m.db"}\nlogging: {level: warn}\n'
        'health: {listen: 10.0.0.7:9100, token_file: "/etc/a b%c"}\n'
        "remote: {url: 'http://x/', auth: {type: bearer_token}, tls: {ca_file: '/etc/a b%c'}}\n"
    )
    found = render(tmp_path, more)
    home = tmp_path / "units"
    stubs = {f"{name}.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n" for name in STUBS}
    stubs["belabox-metrics.target"] = "[Unit]\nDescription=all\n"
    stubs["belabox-metrics-health.socket"] = "[Socket]\nListenStream=127.0.0.1:9100\n"
    for path, text in {**stubs, **found}.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    names = [path for path in found if path.endswith(".timer")]
    names += ["belabox-metrics@srt.relay.service", "belabox-metrics@stream.links.service"]
    names += ["belabox-metrics@cpu.usage.service", "belabox-metrics-upload.service", "belabox-metrics-failed@x.service"]
    names += ["belabox-metrics-health.socket", "belabox-metrics-health.service"]
    command = ["systemd-analyze", "verify", "--man=no", *[str(home / name) for name in names]]
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{home}:"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    said = [line for line in done.stderr.split("\n") if str(home) in line or "belabox" in line]
    assert (said, done.returncode) == ([], 0), done.stderr


STUBS = (
    "belabox-metrics@",
    "belabox-metrics-failed@",
    "belabox-metrics-upload",
    "belabox-metrics-clock",
    "belabox-metrics-maintain",
    "belabox-metrics-recover",
    "belabox-metrics-health",
)
