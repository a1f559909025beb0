"""A value for a person: `memory.used_bytes` 3221225472 is `3.22 GB`. What a program reads stays in base units.

The unit is in the end of a series' name (docs/metrics.md).
"""

from __future__ import annotations

# Decimal, as disks and links are sold.
_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
# End of a name to (unit, what one of it is in that unit); those with a unit of no length get prefixes.
_SCALED = {
    "_bytes": ("B", 1),
    "_hertz": ("Hz", 1),
    "_bps": ("bit/s", 1),
    "_kbps": ("bit/s", 1000),
    "_mbps": ("bit/s", 1_000_000),
}
_PLAIN = {
    "_percent": "%",
    "_celsius": "°C",
    "_fps": "fps",
    "_rpm": "rpm",
    "_dbm": "dBm",
    "_db": "dB",
    "_watts": "W",
    "_volts": "V",
    "_amperes": "A",
    "_pixels": "px",
}
_TIMES = {"_ms": 1, "_seconds": 1000}
# Of doubles.
_LARGEST = 1.7976931348623157e308
# What the specification names without its unit.
_NAMED = {"cpu.temperature": "°C", "thermal.zone_temp": "°C"}


def shown(name: str, value: object) -> str:
    """A value of the series `name` with its unit, to three digits and more where the whole part has more; a text, or
    what has no unit, as it is."""
    if not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "> 1e308" if value > 0 else "< -1e308"
    if name in _NAMED:
        return f"{_digits(value)} {_NAMED[name]}"
    stem = name[: -len("_total")] if name.endswith("_total") else name
    for end, (unit, one) in _SCALED.items():
        if stem.endswith(end):
            return _scaled(value * one, unit)
    for end, one in _TIMES.items():
        if stem.endswith(end):
            return _time(value * one)
    for end, unit in _PLAIN.items():
        if stem.endswith(end):
            return f"{_digits(value)} {unit}"
    return _digits(value)


def _scaled(value: float, unit: str) -> str:
    for prefix in _PREFIXES[:-1]:
        # 999.9 would be shown as 1000.
        if abs(value) < 999.5:
            return f"{_digits(value)} {prefix}{unit}"
        value /= 1000
    return f"{_digits(value)} {_PREFIXES[-1]}{unit}"


def _time(ms: float) -> str:
    if abs(ms) < 1000:
        return f"{_digits(ms)} ms"
    for unit, length, until in (("s", 1000, 120_000), ("min", 60_000, 7_200_000), ("h", 3_600_000, 172_800_000)):
        if abs(ms) < until:
            return f"{_digits(ms / length)} {unit}"
    return f"{_digits(ms / 86_400_000)} d"


def _digits(value: float) -> str:
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:.3g}"
