"""What each key may hold, and what is said about what it may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest

from belabox_metrics.config import configuration, keys, kinds
from belabox_metrics.health import places
from belabox_metrics.health.responder import PATH

if TYPE_CHECKING:
    from belabox_metrics.config.configuration import Configuration

    Load = Callable[[str], Configuration]
    Refused = Callable[[str], list[str]]

REST = "device: {id: box}\nmetrics: []\n"


def at(path: str, written: str) -> str:
    """A configuration that is right but for one key, which stands in line 3 or below."""
    *sections, name = path.split(".")
    text = REST if sections[0] != "device" else "metrics: []\n#\n"
    for depth, section in enumerate(sections):
        text += "  " * depth + section + ":\n"
    return text + "  " * len(sections) + f"{name}: {written}\n" + ("  id: box\n" if path == "device.name" else "")


@pytest.mark.parametrize(
    ("path", "written", "value"),
    [
        ("device.id", "007", "007"),
        ("device.id", "no", "no"),
        ("device.name", '"Orange Pi IRL Stream 1"', "Orange Pi IRL Stream 1"),
        ("device.name", '""', ""),
        ("device.name", "Kölner Dom 📷", "Kölner Dom 📷"),
        ("storage.path", "/data/my box/m.db", "/data/my box/m.db"),
        ("storage.wal_checkpoint_interval", "1m", 60_000),
        ("storage.max_size", "50MB", 50_000_000),
        ("storage.reserve", "'1GB'", 1_000_000_000),
        ("storage.retention.full_resolution", "6h", 21_600_000),
        ("storage.archive.enabled", "true", True),
        ("storage.archive.path", "/mnt/stick", "/mnt/stick"),
        ("storage.archive.path", '""', ""),
        ("storage.archive.keep", "7d", 604_800_000),
        ("remote.enabled", "no", False),
        ("remote.enabled", "Off", False),
        ("remote.compression", "YES", True),
        ("remote.url", '""', ""),
        (
            "remote.url",
            "https://vm.example:8428/api/v1/import?extra=1",
            "https://vm.example:8428/api/v1/import?extra=1",
        ),
        ("remote.url", "http://[::1]:8428/", "http://[::1]:8428/"),
        ("remote.upload_interval", '"30s"', 30_000),
        ("remote.retry.backoff_multiplier", "2.0", 2.0),
        ("remote.retry.jitter_percent", "0", 0),
        ("remote.format", "prometheus-remote-write", "prometheus-remote-write"),
        ("remote.mode", "offline", "offline"),
        ("remote.priority.high", "1s", 1000),
        ("remote.priority.low", "1h", 3_600_000),
        ("remote.backfill.bandwidth_limit", "20%", 20),
        ("remote.backfill.bandwidth_limit", "'12.5%'", 12.5),
        ("remote.backfill.bandwidth_limit", "100", 100),
        ("remote.backfill.rate_limit", "1/s", 1.0),
        ("remote.backfill.rate_limit", "30/m", 0.5),
        ("remote.backfill.rate_limit", "1.5/s", 1.5),
        ("remote.auth.type", "bearer_token", "bearer_token"),
        ("remote.tls.ca_file", "/etc/ssl/our own.pem", "/etc/ssl/our own.pem"),
        ("health.listen", ":9100", "[::]:9100"),
        ("health.listen", "9100", "127.0.0.1:9100"),
        ("health.allow", "[]", []),
        ("health.allow", "[192.168.1.0/24, 'fd00::/8', 10.0.0.7]", ["192.168.1.0/24", "fd00::/8", "10.0.0.7/32"]),
        ("health.allow", "[100.64.0.0/10]", ["100.64.0.0/10"]),
        ("health.listen", "'[::1]:1'", "[::1]:1"),
        ("health.listen", "10.0.0.7:9100", "10.0.0.7:9100"),
        ("logging.level", "debug", "debug"),
        ("logging.output", "journal", "journal"),
    ],
)
def test_is_read(load: Load, path: str, written: str, value: kinds.Value) -> None:
    read = load(at(path, written)).values.value(path)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("path", "written", "reason"),
    [
        ("device.id", "", "has no value (write one, or remove the line for the default)"),
        ("device.id", "''", "'' is not a name (letters, digits, dots, dashes and underscores, 64 at most)"),
        ("device.id", "a b", "'a b' is not a name"),
        ("device.id", "../x", "'../x' is not a name"),
        ("device.id", "x" * 65, "is not a name"),
        ("device.id", "[box]", "is a list, not a name"),
        ("device.id", "{a: b}", "is a mapping, not a name"),
        ("device.name", "'  x'", "'  x' has blanks around it"),
        ("device.name", "x" * 257, "is longer than 256 characters"),
        ("storage.path", "metrics.db", "does not begin with /"),
        ("storage.max_size", "500", "500 has no unit (write 500MB"),
        ("storage.max_size", "5 GB", "is not a size (write 500MB or 5GB"),
        ("storage.max_size", "5GiB", "is not a size"),
        ("storage.max_size", "-1MB", "is not a size"),
        ("storage.max_size", "9MB", "is less than 10MB"),
        ("storage.reserve", "1001GB", "is more than 1TB"),
        ("storage.retention.full_resolution", "30m", "is less than 1h"),
        ("storage.retention.full_resolution", "8d", "is more than storage.retention.aggregated_1m"),
        ("storage.retention.aggregated_5m", "6d", "is less than storage.retention.aggregated_1m"),
        (
            "storage.path",
            "/var/../m.db",
            "is not the plain path of a file (no .., no // and no / at its end)",
        ),
        ("storage.path", "/var/lib/", "is not the plain path"),
        ("storage.path", "//m.db", "is not the plain path"),
        ("storage.path", "/", "is not the plain path"),
        ("storage.path", "http://r/?geheim", "does not begin with /"),
        ("storage.path", "''", "is empty"),
        (
            "storage.path",
            "/home/user/m.db",
            "is in /home, which the jobs do not see as it is (put it",
        ),
        ("storage.path", "/proc/m.db", "is in /proc"),
        ("storage.path", "/tmp/m.db", "is in /tmp"),
        ("storage.wal_checkpoint_interval", "30s", "is less than 1m"),
        ("storage.wal_checkpoint_size_mb", "0", "is less than 1"),
        ("storage.wal_checkpoint_size_mb", "64MB", "'64MB' is not a whole number"),
        ("remote.enabled", "maybe", "'maybe' is not a boolean (write true or false)"),
        ("remote.enabled", "1", "'1' is not a boolean"),
        ("remote.enabled", '"true"', "is a text, not true or false (write it without quotes)"),
        ("remote.url", "~", "has no value"),
        ("remote.url", "ftp://x/", "does not begin with http:// or https://"),
        ("remote.url", "http://", "has no host"),
        ("remote.url", "http:///x", "has no host"),
        (
            "remote.url",
            "http://user:geheim@x/",
            "has a user or password in it (a secret does not belong in this file)",
        ),
        ("remote.url", "http://x:99999/", "is no URL: Port out of range"),
        ("remote.url", "http://x:0/", "has port 0"),
        ("remote.url", "http://x:geheim/", "is no URL: "),
        ("remote.url", "http://[geheim/", "is no URL: "),
        ("remote.url", '"http://x/ y"', "is no URL: it has a space"),
        ("remote.url", "http://bücher.example/", "is no URL"),
        ("remote.upload_interval", "30", "30 has no unit (write 30s for seconds)"),
        ("remote.upload_interval", "0s", "is less than 1s"),
        ("remote.upload_interval", "25h", "is more than 1d"),
        ("remote.upload_interval", "1e3", "'1e3' is not a duration"),
        ("remote.upload_interval", "[30s]", "is a list, not a duration"),
        ("remote.batch_size", "2_500", "'2_500' is not a whole number"),
        ("remote.batch_size", "010", "'010' is not a whole number"),
        ("remote.batch_size", "1e3", "'1e3' is not a whole number"),
        ("remote.batch_size", "2500.0", "'2500.0' is not a whole number"),
        ("remote.batch_size", "-1", "is less than 1"),
        ("remote.batch_size", '"2500"', "is a text, not a whole number (write it without quotes)"),
        ("remote.batch_size", "9" * 5000, "is not a whole number"),
        ("remote.retry.backoff_multiplier", ".inf", "'.inf' is not a number"),
        ("remote.retry.backoff_multiplier", "0.5", "is less than 1"),
        ("remote.retry.jitter_percent", "101", "is more than 100"),
        ("remote.format", "influx", "'influx' is not known (write one of victoriametrics, json, prom"),
        ("remote.mode", "fast", "'fast' is not known (write one of auto, realtime, degraded, offline)"),
        ("remote.backfill.bandwidth_limit", "20 %", "'20 %' is not a percentage (write 20%)"),
        ("remote.backfill.bandwidth_limit", "20%%", "'20%%' is not a percentage"),
        ("remote.backfill.bandwidth_limit", "0%", "is less than 1"),
        ("remote.backfill.bandwidth_limit", "101%", "is more than 100"),
        ("remote.backfill.rate_limit", "1", "'1' is not a rate (write 1/s, 30/m or 10/h)"),
        ("remote.backfill.rate_limit", "0/s", "'0/s' is not a rate"),
        ("remote.backfill.rate_limit", "-1/s", "'-1/s' is not a rate"),
        ("remote.backfill.rate_limit", "1/d", "'1/d' is not a rate"),
        ("remote.backfill.rate_limit", "9999/s", "is more than 1000"),
        ("remote.auth.type", "bearer", "'bearer' is not known (write one of none, bearer_token, basic, header)"),
        ("remote.auth.header", "'X Key'", "header: is not the name of a header (the name alone, as X-API-Key; its val"),
        ("remote.auth.header", "'X-Key: s3cret'", "header: is not the name of a header"),
        ("remote.auth.header", "Content-Length", "Content-Length is set by the uploader itself"),
        ("remote.auth.header", "HOST", "HOST is set by the uploader itself"),
        ("remote.tls.ca_file", "ca.pem", "does not begin with /"),
        (
            "remote.tls.client_key",
            "/root/client.key",
            "is in /root, which the jobs do not see as it is (put it below /etc)",
        ),
        ("remote.retry", "[]", "is not a mapping (its keys belong below it, indented; or remove the line)"),
        ("remote.retry", "", "is not a mapping"),
        ("health.listen", "localhost:9100", "'localhost:9100' is not ADDRESS:PORT"),
        ("health.listen", "127.0.0.1", "'127.0.0.1' is not ADDRESS:PORT"),
        ("health.listen", "127.0.0.999:9100", "'127.0.0.999' is not an IP address"),
        ("health.listen", "127.0.0.1:0", "has port 0, not 1 to 65535"),
        ("health.listen", "'[::1'", "is not ADDRESS:PORT"),
        ("health.port", "70000", "is more than 65535"),
        ("health.allow", "192.168.0.0/16", "is a text, not a list (write [192.168.1.0/24])"),
        ("health.allow", "[192.168.1.1/16]", "'192.168.1.1/16' is not a network (write 192.168.1.0/24)"),
        ("health.allow", '["fe80::1%1/128"]', "'fe80::1%1/128' is not a network (write 192.168.1.0/24)"),
        ("health.allow", "[0.0.0.0/0]", "'0.0.0.0/0' is not private (strangers need a token: health.token_file)"),
        ("health.allow", "['::/0']", "'::/0' is not private"),
        ("health.allow", "[192.168.0.0/15]", "is not private"),
        ("health.allow", "[8.8.8.8]", "is not private"),
        ("health.token_file", "/home/me/token", "is in /home, which the jobs do not see as it is (put it below /etc)"),
        ("health.path", "health", "does not begin with /"),
        ("logging.level", "verbose", "'verbose' is not known (write one of debug, info, warn, error)"),
        (
            "logging.output",
            "/var/log/x.log",
            "'/var/log/x.log' is not known (write one of stdout, stderr, journal; the",
        ),
        ("monitoring.clock_skew_url", "localhost", "does not begin with http"),
    ],
)
def test_is_refused(refused: Refused, path: str, written: str, reason: str) -> None:
    text = at(path, written)
    line = next(
        n for n, found in enumerate(text.split("\n"), 1) if found.strip() == f"{path.split('.')[-1]}: {written}".strip()
    )
    said = refused(text)
    assert len(said) == 1, said
    assert said[0].startswith(f"{line}: {path}: ")
    assert reason in said[0]
    assert "geheim" not in said[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("devise: {id: x}\n", "3: devise: is not a known key (did you mean device?)"),
        ("remote: {urll: x}\n", "3: remote.urll: is not a known key (did you mean url?)"),
        ("remote: {retries: {}}\n", "3: remote.retries: is not a known key (did you mean retry?)"),
        ("zzz: 1\n", "3: zzz: is not a known key"),
        ('remote: {"a b.c": x}\n', "3: remote.'a b.c': is not a known key"),
        ("'a b': 1\n", "3: 'a b': is not a known key"),
        ("batch_size: 5\n", "3: batch_size: is not a known key (did you mean remote.batch_size?)"),
        ("device_id: x\n", "3: device_id: is not a known key (use device.id)"),
        (
            "collection_interval: 30s\n",
            "3: collection_interval: is not a known key (every entry of metrics has its own",
        ),
        ("upload_interval: 1m\n", "3: upload_interval: is not a known key (use remote.upload_interval)"),
        ("health: {listen_addr: ':9100'}\n", "3: health.listen_addr: is not a known key (use health.listen)"),
        (
            "network:\n  max_interfaces: 32\n",
            "4: network.max_interfaces: is not a known key (use config: {max_interfaces",
        ),
        (
            "disk: {allowed_devices: ''}\n",
            "3: disk.allowed_devices: is not a known key (use config: {allowed_devices",
        ),
        ("disk: {}\n", "3: disk: is not a known key (use config of the metric disk.io)"),
        ("remote:\n  auth_token_file: /x\n", "4: remote.auth_token_file: is not a known key (remove it,"),
        ("remote: {auth: {token_file: /x}}\n", "3: remote.auth.token_file: is not a known key (remove it, the token"),
        ("remote: {auth: {token: geheim}}\n", "3: remote.auth.token: is not a known key (remove it, a secret does"),
        ("remote: {upload: {mode: auto}}\n", "3: remote.upload.mode: is not a known key (use remote.mode)"),
        ("remote: {priority: {critical: 0s}}\n", "3: remote.priority.critical: is not a known key (remove it, crit"),
        ("remote: {priority: {normal: 60s}}\n", "3: remote.priority.normal: is not a known key (use remote.upload_"),
        ("collection:\n  collectors: []\n", "4: collection.collectors: is not a known key (use metrics)"),
        ("buffer: {path: /x}\n", "3: buffer.path: is not a known key (use storage.path,"),
        (
            "remote: {upload: {interval: 3s}}\n",
            "3: remote.upload.interval: is not a known key (use remote.upload_interval)",
        ),
        ("storage: {retain: {}}\n", "3: storage.retain: is not a known key"),
        ("storage: {type: sqlite}\n", "3: storage.type: is not a known key (remove it, it is always SQLite)"),
        ("buffer: {max_size: 5GB}\n", "3: buffer.max_size: is not a known key (use storage.max_size)"),
        ("storage: {rotation: {max_size: 5GB}}\n", "3: storage.rotation.max_size: is not a known key (use storage.max"),
        ("logging: {rotation: 100MB}\n", "3: logging.rotation: is not a known key (set SystemMaxUse="),
    ],
)
def test_unknown_key_is_refused_with_the_right_one(refused: Refused, text: str, said: str) -> None:
    lines = refused(REST + text)
    assert len(lines) == 1, lines
    assert lines[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("remote: {enabled: true}\n", "3: remote.enabled: is true but there is no remote.url"),
        ("health: {path: /metrics}\n", "3: health.path: is another page of this box (as in: /healthz)"),
        ("health: {path: /health/ready}\n", "3: health.path: is another page of this box (as in: /healthz)"),
        ("health: {path: /report/x}\n", "3: health.path: is another page of this box (as in: /healthz)"),
        ("remote: {url: '', enabled: yes}\n", "3: remote.enabled: is true but there is no remote.url"),
        (
            "health: {port: 9101, listen: '127.0.0.1:9100'}\n",
            "3: health.port: is not the port of health.listen, 9100",
        ),
        ("remote: {auth: {type: basic}}\n", "3: remote.auth.type: is basic but there is no remote.auth.username"),
        ("remote: {auth: {type: header}}\n", "3: remote.auth.type: is header but there is no remote.auth.header"),
        ("remote: {auth: {type: basic, username: 'a:b'}}\n", "3: remote.auth.username: has a colon in it"),
        (
            "remote: {tls: {client_key: /k}}\n",
            "3: remote.tls.client_key: is set but remote.tls.client_certificate is not",
        ),
        (
            "remote: {tls: {client_certificate: /c}}\n",
            "3: remote.tls.client_certificate: is set but remote.tls.client_key is not (they go together)",
        ),
        ("remote: {priority: {low: 5s}}\n", "3: remote.priority.low: is less than remote.priority.high"),
        ("remote: {chunk_size: 3000}\n", "3: remote.chunk_size: is more than remote.batch_size"),
        (
            "remote:\n  batch_size: 10\n  chunk_size: 20\n",
            "4: remote.batch_size: is less than remote.chunk_size",
        ),
        (
            "remote: {retry: {initial_backoff: 2m}}\n",
            "3: remote.retry.initial_backoff: is more than remote.retry.max_",
        ),
        (
            "health: {error_threshold: {pending_metrics: 10}}\n",
            "3: health.error_threshold.pending_metrics: is less than health.degraded_threshold.pend",
        ),
    ],
)
def test_keys_that_contradict_each_other_are_refused(refused: Refused, text: str, said: str) -> None:
    lines = refused(REST + text)
    assert len(lines) == 1, lines
    assert lines[0].startswith(said)


def test_the_pages_of_the_box_are_those_of_the_responder() -> None:
    assert {"/", *configuration.PAGES} == {*places.AT, f"{PATH}/live", f"{PATH}/ready"}
    assert list(places.BELOW) == [configuration.REPORTS]


def test_device_id_is_needed(refused: Refused) -> None:
    assert refused("metrics: []\n")[0].startswith("1: device.id: is missing")


def test_port_is_a_spelling_of_listen(load: Load) -> None:
    assert load(REST + "health: {port: 9200}\n").listen == "127.0.0.1:9200"
    assert load(REST + "health: {port: 9200, listen: '[::1]:9200'}\n").listen == "[::1]:9200"


def test_nothing_is_sent_without_a_url(load: Load) -> None:
    assert not load(REST).uploads
    assert load(REST + "remote: {url: 'http://x/'}\n").uploads
    assert not load(REST + "remote: {url: 'http://x/', enabled: false}\n").uploads


def test_every_default_fits_its_own_key(load: Load) -> None:
    for key in keys.KEYS:
        if key.default is None:
            continue
        value = load(REST).values.value(key.path)
        assert value == key.default
        if isinstance(value, (int, float)):
            assert (key.low or 0) <= value <= (key.high or 1), key.path
        if key.choices:
            assert value in key.choices


def test_no_key_is_named_as_what_stands_beside_the_settings() -> None:
    """By which settings are mended: they would never be whole."""
    assert not {key.name for key in keys.KEYS} & {"copy", "crc32"}
