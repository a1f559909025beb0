"""docs/configuration.md: every key with its kind, default, range and name in the environment.

python3 -m belabox_metrics.config.reference > docs/configuration.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import kinds, meanings, size
from .alerts import DEFAULTS
from .duration import spell
from .keys import KEYS, SECTIONS, Key
from .known import discover
from .overrides import DEFAULTS_FILE, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = f"""# Configuration

`/etc/belabox-metrics/config.yaml` is watched: saving it is enough. A file with a mistake changes nothing, the one
before stays in force; what is wrong with it, by line and key, is told by `belabox-metrics status`,
`systemctl status belabox-metrics-apply`, the journal (`journalctl BELABOX_JOB=apply`) and `/health`. To know before
saving: `belabox-metrics check FILE`. What was saved while the box was off, or `belabox-metrics.target` stopped, is
applied at the next start.

A key that is not there has its default. Durations have a unit: `250ms`, `30s`, `5m`, `1h30m`, `7d`; sizes too: `50MB`,
`5GB`.

An editor that knows JSON Schema completes keys and marks mistakes with `/usr/lib/belabox-metrics/config.schema.json`
(in the sources `configs/config.schema.json`). For one that uses the YAML language server, as the first line:

```yaml
# yaml-language-server: $schema=/usr/lib/belabox-metrics/config.schema.json
```

## What differs on a box

For twenty boxes with one `config.yaml`: a value that is set in `{DEFAULTS_FILE}`, a line `NAME=value`
for each, comes before that of the file. The names are in the tables below. The file is watched too. A list is written
with commas. Metrics and alerts have no such names, and a secret does not belong there: it is a file of its own,
`/etc/belabox-metrics/api-token`.

```sh
BELABOX_METRICS_DEVICE_ID=backpack-7
BELABOX_METRICS_REMOTE_URL=https://metrics.example.net/api/v1/import
```

`sudo ./install.sh --settings FILE` puts such a file there, after a check; `belabox-metrics check --settings FILE` is
the check alone. Both `check` and `apply` take values from their own environment as well, and that comes before the
file. A name in the file that is none of a key is a mistake. A fleet has [a page of its own](fleet.md).
"""

_METRICS = """## metrics

A list: an entry for each metric that is to be collected, with a timer of its own
(`systemctl list-timers 'belabox-metrics*'`). What each measures is in [metrics.md](metrics.md), programs of your own in
[own-metrics.md](own-metrics.md).

```yaml
metrics:
  - name: cpu.temperature
    interval: 30s
    enabled: true
```
"""

_ALERTS = """## alerts

By name: from where on a value is critical. These come with the program; naming one changes what is given of it.

```yaml
alerts:
  cpu_temperature: {above: 80}
  cpu_usage: {enabled: false}
  disk_full: {metric: disk.usage, series: disk.used_percent, above: 95, for: 10m}
```
"""


def markdown() -> str:
    """The whole page."""
    parts = [_HEAD]
    for section in SECTIONS:
        parts.append(f"## {section}\n\n{meanings.SECTIONS[section]}\n")
        rows = [(f"`{key.name}`", *_cells(key), f"`{name_of(key)}`") for key in KEYS if key.section == section]
        parts.append(_table(("key", "is", "default", "for", "in the environment"), rows))
    known = discover()
    parts.append(_METRICS)
    parts.append(_table(("key", "for"), [(f"`{key}`", text) for key, text in meanings.METRICS.items()]))
    rows = [
        (f"`{metric}`", f"`{key}`", kinds.noun(kind), _default(kind, default), meanings.SETTINGS[f"{metric}.{key}"])
        for metric, collector in sorted(known.items())
        for key, (kind, default) in collector.settings.items()
    ]
    parts.append("Settings, below `config:` of the metric's entry:\n")
    parts.append(_table(("metric", "key", "is", "default", "for"), rows))
    parts.append(_ALERTS)
    parts.append(_table(("key", "for"), [(f"`{key}`", text) for key, text in meanings.ALERTS.items()]))
    parts.append("The shipped ones:\n")
    shipped = [
        (
            f"`{alert.name}`",
            f"`{alert.series}`",
            f"{'above' if alert.above else 'below'} {alert.limit:g}{f' % of `{alert.of}`' if alert.of else ''}",
            spell(alert.for_ms) if alert.for_ms else "",
            f"{alert.clear:g}{' %' if alert.of else ''}",
            "yes" if alert.enabled else "no",
        )
        for alert in DEFAULTS
    ]
    parts.append(_table(("alert", "series", "when", "for", "clear", "enabled"), shipped))
    return "\n".join(parts)


def _cells(key: Key) -> tuple[str, str, str]:
    what = ", ".join(f"`{choice}`" for choice in key.choices) if key.choices else kinds.noun(key.kind)
    return what + _range(key), _default(key.kind, key.default), meanings.KEYS[key.path]


def _range(key: Key) -> str:
    ends = [None if end is None else _spelled(key.kind, end) for end in (key.low, key.high)]
    if ends[0] is not None and ends[1] is not None:
        return f", {ends[0]} to {ends[1]}"
    return "" if ends == [None, None] else f", {ends[0]} or more" if ends[0] is not None else f", {ends[1]} at most"


def _default(kind: str, default: object) -> str:
    if default is None or default in ("", []):
        return ""
    if isinstance(default, list):
        return ", ".join(f"`{item}`" for item in default)
    return f"`{_spelled(kind, default)}`"


def _spelled(kind: str, value: object) -> str:
    """As a person writes it into the file."""
    if kind == "duration" and isinstance(value, int):
        return spell(value)
    if kind == "size" and isinstance(value, int):
        return size.spell(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value}{ {'percent': '%', 'rate': '/s'}.get(kind, '') }"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *[tuple(cell.replace("|", "\\|") for cell in row) for row in rows]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    print(markdown(), end="")
