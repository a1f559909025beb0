"""What one body says: samples by device and by series, and what is wrong with it."""

from __future__ import annotations

from .findings import Findings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Number = Union[int, float]


class Span:
    """Some samples: how many, the oldest and the newest timestamp (Unix ms), the newest value."""

    __slots__ = ("count", "first_ms", "last_ms", "value")

    def __init__(self) -> None:
        self.count = 0
        self.first_ms = self.last_ms = 0
        self.value: Number = 0

    def add(self, timestamp_ms: int, value: Number) -> None:
        if not self.count or timestamp_ms < self.first_ms:
            self.first_ms = timestamp_ms
        if not self.count or timestamp_ms >= self.last_ms:
            self.last_ms = timestamp_ms
            self.value = value
        self.count += 1


class Content:
    """`devices` and `series` hold only what is right; `findings` is the rest."""

    def __init__(self) -> None:
        self.devices: dict[str, Span] = {}
        self.series: dict[str, Span] = {}
        self.findings = Findings()

    def add(self, device: str, series: str, columns: list[tuple[int, Number]]) -> None:
        """`columns` are pairs of timestamp (Unix ms) and value; `series` is a text as `name{label="value"}`."""
        of_device = self.devices.setdefault(device, Span())
        of_series = self.series.setdefault(series, Span())
        for timestamp_ms, value in columns:
            of_device.add(timestamp_ms, value)
            of_series.add(timestamp_ms, value)

    def samples(self) -> int:
        return sum(span.count for span in self.devices.values())


def series_text(name: str, labels: dict[str, str]) -> str:
    """`cpu_usage_percent{core="0"}`: as PromQL writes it, but for escapes."""
    inside = ",".join(f'{label}="{labels[label]}"' for label in sorted(labels))
    return f"{name}{{{inside}}}" if inside else name
