"""Lines for VictoriaMetrics' `/api/v1/import`, judged: `{"metric": labels, "values": [...], "timestamps": [...]}`.

Source of the format: the server's documentation, "How to import data in JSON line format".
"""

from __future__ import annotations

from ..printable import printable
from . import rules
from .content import Content, series_text
from .strict_json import reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

NAME = "import"
KEYS = ("metric", "values", "timestamps")


def judge(data: bytes, device: str, now_ms: int) -> Content:
    """What `data` says. `device` is whose samples are that have no label `device_id`. Never fails."""
    content = Content()
    read = reader()
    found = False
    for number, line in _lines(data):
        found = True
        where = f"line {number}"
        try:
            _line(content, where, read(line), device, now_ms)
        except ValueError as error:
            content.findings.add(where, str(error))
        if content.findings.enough():
            break
    if not found:
        content.findings.add("body", "is empty, must be lines of JSON")
    return content


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each line that is not blank and its number. Not split(): of eight million line feeds that makes a long list."""
    start, number = 0, 1
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = data[start:end].strip(b" \t\r")
        if line:
            yield number, line
        start, number = end + 1, number + 1


def _line(content: Content, where: str, value: object, device: str, now_ms: int) -> None:
    if not isinstance(value, dict):
        content.findings.add(where, f"is {rules.kind(value)}, must be an object with {', '.join(KEYS)}")
        return
    faults = _wrong_keys(value) or [*_wrong_labels(value["metric"]), *_wrong_columns(value, now_ms)]
    for fault in faults:
        content.findings.add(where, fault)
    if faults:
        return
    labels: dict[str, str] = dict(value["metric"])
    name = labels.pop("__name__")
    columns = list(zip(value["timestamps"], value["values"]))
    content.add(labels.get("device_id", device), series_text(name, labels), columns)


def _wrong_keys(value: dict[str, Any]) -> list[str]:
    faults = [f"has no {key}" for key in KEYS if key not in value]
    foreign = next((key for key in value if key not in KEYS), None)
    if foreign is not None:
        faults.append(f"has {printable(foreign)}, which is none of {', '.join(KEYS)}")
    for key, wanted, rule in (
        ("metric", dict, "an object"),
        ("values", list, "an array"),
        ("timestamps", list, "an array"),
    ):
        if key in value and not isinstance(value[key], wanted):
            faults.append(f"{key} is {rules.kind(value[key])}, must be {rule}")
    return faults


def _wrong_labels(labels: dict[str, object]) -> list[str]:
    if "__name__" not in labels:
        return ["metric has no __name__"]
    faults = []
    fault = rules.wrong_metric(labels["__name__"])
    if fault:
        faults.append(f"__name__ {fault}")
    if len(labels) > rules.LABELS:
        return [*faults, f"metric has {len(labels)} labels, must have at most {rules.LABELS}"]
    for label, value in labels.items():
        if label == "__name__":
            continue
        fault = rules.wrong_label(label)
        if fault:
            faults.append(f"the label {fault}")
        fault = rules.wrong_text(value)
        if fault:
            faults.append(f"the label {printable(label)} {fault}")
    return faults


def _wrong_columns(value: dict[str, Any], now_ms: int) -> list[str]:
    """The first fault of each column: one unit mistaken is a thousand numbers wrong."""
    values, timestamps = value["values"], value["timestamps"]
    if len(values) != len(timestamps):
        return [f"values has {len(values)} entries and timestamps {len(timestamps)}, must be as many"]
    if not values:
        return ["values and timestamps are empty, must have an entry"]
    return [
        *_first("values", (rules.wrong_number(number) for number in values)),
        *_first("timestamps", (rules.wrong_time(timestamp, now_ms) for timestamp in timestamps)),
    ]


def _first(column: str, faults: Iterator[str]) -> list[str]:
    return next(([f"{column}[{at}] {fault}"] for at, fault in enumerate(faults) if fault), [])
