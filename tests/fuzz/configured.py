"""What a person, or whoever provisions twenty boxes, writes: what is refused is refused in lines that a terminal can
show, and what is accepted stands in the units as nothing but the value that it is."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Callable

from belabox_metrics.config import duration, size
from belabox_metrics.config.configuration import Configuration, load
from belabox_metrics.config.findings import Unfit
from belabox_metrics.config.keys import KEYS
from belabox_metrics.config.overrides import name_of
from belabox_metrics.errors import ConfigProblem, UsageProblem
from belabox_metrics.query import period
from belabox_metrics.schedule.units import quoted, render

from .target import NOW_MS, Target, scratch, text_of

SHIPPED = Path(__file__).parents[2] / "configs/config.yaml"
# A unit is sections of lines NAME=value, and remarks.
_LINE = re.compile(r"#[^\n]*|\[[A-Z][A-Za-z]*\]|[A-Z][A-Za-z]*=[^\n]*|")
_SECTIONS = {"[Unit]", "[Timer]", "[Service]", "[Socket]"}
LEAST = "device: {id: box-1}\nmetrics:\n  - {name: cpu.usage, interval: 5s, enabled: true}\n"
_KNOWN = {
    *("Description", "After", "Before", "Conflicts", "DefaultDependencies", "PartOf", "Requires", "OnCalendar"),
    *("StartLimitIntervalSec", "AccuracySec", "OnBootSec", "OnUnitActiveSec", "OnUnitInactiveSec"),
    *("RandomizedDelaySec", "RequiresMountsFor", "Environment", "ReadWritePaths", "LogLevelMax", "ListenStream"),
    *("IPAddressAllow", "FreeBind", "LoadCredential"),
}


def judged(read: Callable[[], Configuration]) -> None:
    try:
        found = read()
    except ConfigProblem as refused:
        shown(str(refused))
        return
    for section, key, position, value in found.settings():
        assert isinstance(section, str)
        assert isinstance(key, str)
        assert isinstance(position, int)
        assert isinstance(value, (int, float)) or value.isprintable(), repr(value)
    for name, text in render(found).items():
        assert re.fullmatch(r"[A-Za-z0-9@._/-]+", name), f"a unit of the name {name!r}"
        unit(text)


def shown(text: str) -> None:
    assert all(char.isprintable() or char == "\n" for char in text), repr(text)


def unit(text: str) -> None:
    assert text.endswith("\n")
    for line in text.split("\n"):
        assert _LINE.fullmatch(line), f"no line of a unit: {line!r}"
        assert not line.endswith("\\"), f"goes on in the next line: {line!r}"
        if line.startswith("["):
            assert line in _SECTIONS, line
        elif "=" in line and not line.startswith("#"):
            assert line.partition("=")[0] in _KNOWN, line


def defaults(data: bytes) -> None:
    """/etc/default/belabox-metrics beside a configuration."""
    file, least = (Path(scratch()) / name for name in ("defaults", "least.yaml"))
    file.write_bytes(data)
    least.write_text(LEAST)
    judged(lambda: load(str(least), environment={}, defaults_file=str(file)))


def document(data: bytes) -> None:
    """config.yaml itself."""
    file = Path(scratch()) / "config.yaml"
    file.write_bytes(data)
    judged(lambda: load(str(file), environment={}, defaults_file="/nonexistent"))


def word(data: bytes) -> None:
    """A text between quotes in a unit: systemd reads it back as it was."""
    text = "".join(char for char in text_of(data) if char.isprintable())
    found = quoted(text)
    assert found[0] == found[-1] == '"'
    assert re.fullmatch(r'(?:[^"\\%]|\\["\\]|%%)*', found[1:-1]), found
    assert re.sub(r'\\(["\\])|%(%)', r"\1\2", found[1:-1]) == text


def lengths(data: bytes) -> None:
    """Times and sizes, and from when until when: what is spelled is read as the same."""
    text = text_of(data)
    with suppress(Unfit):
        ms = duration.parse(text)
        assert duration.parse(duration.spell(ms)) == ms
    with suppress(Unfit):
        count = size.parse(text)
        with suppress(Unfit):
            assert size.parse(size.spell(count)) == count
    since, _, until = text.partition("\n")
    try:
        begin_ms, end_ms = period.read(since, until, NOW_MS)
    except UsageProblem as refused:
        shown(str(refused).replace("\n", "\0"))
    else:
        assert 0 <= begin_ms < end_ms
        shown(period.between(begin_ms, end_ms))


def _lines() -> list[Path | str | bytes]:
    values = ("true", "5m", '"a b"', "http://user@host:1/x?y=%00", "/srv/a b/%h/metrics.db", "10.0.0.0/8, fe80::/10")
    found: list[Path | str | bytes] = ["# nothing\n"]
    found += [f"{name_of(key)}={values[at % len(values)]}\n" for at, key in enumerate(KEYS)]
    return found


DOCUMENT = """device: {id: box-1, name: "a b"}
health: {enabled: true, listen: "0.0.0.0:9100", allow: [10.0.0.0/8], token_file: /etc/belabox-metrics/health-token}
storage: {path: /srv/%h/metrics.db, archive: {enabled: true, path: /srv/archive}}
remote: {enabled: true, url: "https://x/api/v1/import", auth: {type: bearer}, tls: {ca_file: /etc/ca.pem}}
logging: {level: warn}
metrics:
  - {name: cpu.usage, interval: 7s, enabled: true}
  - {name: room.door, exec: door, interval: 1m, enabled: true}
alerts:
  - {name: hot, metric: cpu.temperature, series: cpu.temperature, above: 85, for: 10s}
"""

TARGETS = [
    Target("configured.defaults", defaults, _lines()),
    Target("configured.units", document, [DOCUMENT, SHIPPED]),
    Target("configured.word", word, ["/srv/a b/%h", 'a"b\\c%']),
    Target("configured.lengths", lengths, ["1h30m", "500MB", "20:00\n21:00", "2026-11-20T20:00:00Z\n1h", "yesterday"]),
]
