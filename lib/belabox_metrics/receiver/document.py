"""The documented JSON document of `POST /api/v1/metrics`, judged.

    {"session_id": "550e84...", "device_id": "belabox-001", "timestamp": "2025-10-11T14:30:00.123Z",
     "metrics": [{"name": "cpu.usage", "value": 45.2, "tags": {"core": "0"}, "timestamp": "2025-10-11T14:30:00.123Z"}]}

`session_id` and `tags` may be missing, as they do in the older form for `/api/metrics`. Source: the API contract.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime

from ..printable import printable
from . import rules
from .content import Content, series_text
from .strict_json import reader

NAME = "document"
KEYS = ("session_id", "device_id", "timestamp", "metrics")
ENTRY_KEYS = ("name", "value", "tags", "timestamp")
OPTIONAL = ("session_id", "tags")

# RFC 3339, 5.6.
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


def judge(data: bytes, _device: str, now_ms: int) -> Content:
    """What `data` says. Never fails."""
    content = Content()
    findings = content.findings
    try:
        value = reader()(data)
    except ValueError as error:
        findings.add("body", str(error))
        return content
    if not isinstance(value, dict):
        findings.add("body", f"is {rules.kind(value)}, must be an object with {', '.join(KEYS)}")
        return content
    for fault in _wrong_keys(value, KEYS):
        findings.add("body", fault)
    for key in ("session_id", "device_id"):
        fault = rules.wrong_text(value[key]) if key in value else ""
        if fault:
            findings.add("body", f"{key} {fault}")
    if "timestamp" in value:
        fault = _time(value["timestamp"], now_ms)[1]
        if fault:
            findings.add("body", f"timestamp {fault}")
    metrics = value.get("metrics", [])
    if not isinstance(metrics, list):
        findings.add("body", f"metrics is {rules.kind(metrics)}, must be an array")
        return content
    framed = not findings.count
    device = value.get("device_id")
    for at, entry in enumerate(metrics):
        _entry(content, f"metrics[{at}]", entry, device if isinstance(device, str) else "", now_ms)
        if findings.enough():
            break
    if not framed:  # whose samples these are, or from when, is not known
        content.devices.clear()
        content.series.clear()
    return content


def _entry(content: Content, where: str, entry: object, device: str, now_ms: int) -> None:
    if not isinstance(entry, dict):
        content.findings.add(where, f"is {rules.kind(entry)}, must be an object with {', '.join(ENTRY_KEYS)}")
        return
    faults = _wrong_keys(entry, ENTRY_KEYS)
    tags = entry.get("tags", {})
    timestamp_ms, wrong_time = _time(entry.get("timestamp"), now_ms)
    judged = {
        "name": rules.wrong_dotted(entry.get("name")),
        "value": rules.wrong_number(entry.get("value")),
        "timestamp": wrong_time,
    }
    faults += [f"{key} {fault}" for key, fault in judged.items() if key in entry and fault]
    faults += _wrong_tags(tags)
    for fault in faults:
        content.findings.add(where, fault)
    if not faults:
        content.add(device, series_text(entry["name"], tags), [(timestamp_ms, entry["value"])])


def _wrong_keys(value: dict[str, object], known: tuple[str, ...]) -> list[str]:
    faults = [f"has no {key}" for key in known if key not in value and key not in OPTIONAL]
    foreign = next((key for key in value if key not in known), None)
    return faults if foreign is None else [*faults, f"has {printable(foreign)}, which is none of {', '.join(known)}"]


def _wrong_tags(tags: object) -> list[str]:
    if not isinstance(tags, dict):
        return [f"tags is {rules.kind(tags)}, must be an object"]
    if len(tags) > rules.LABELS:
        return [f"tags has {len(tags)} entries, must have at most {rules.LABELS}"]
    for key, value in tags.items():
        fault = rules.wrong_text(key)
        if fault:
            return [f"the tag {printable(key)!r} {fault}"]
        # A tag may be empty here: nothing drops it.
        fault = rules.wrong_text(value) if value != "" else ""
        if fault:
            return [f"the tag {printable(key)} {fault}"]
    return []


def _time(value: object, now_ms: int) -> tuple[int, str]:
    """Unix ms of an RFC 3339 time, or what is wrong with it."""
    rule = "must be RFC 3339, as 2025-10-11T14:30:00.123Z"
    if not isinstance(value, str):
        return 0, f"is {rules.kind(value)}, {rule}"
    found = _TIME.fullmatch(value)
    if not found:
        return 0, f"is {printable(value)!r}, {rule}"
    try:
        moment = datetime.fromisoformat(found[1].upper())
    except ValueError as error:
        return 0, f"is {printable(value)!r}: {error}"
    offset_min = int(found[4] or 0) * 60 + int(found[5] or 0)
    seconds = calendar.timegm(moment.timetuple()) - (-60 if found[3] == "-" else 60) * offset_min
    timestamp_ms = seconds * 1000 + int((found[2] or "0").ljust(3, "0")[:3])
    fault = rules.wrong_time(timestamp_ms, now_ms)
    if not fault:
        return timestamp_ms, ""
    return 0, f"is {value}, which is {'before 2001' if timestamp_ms < now_ms else 'over two days ahead'}"
