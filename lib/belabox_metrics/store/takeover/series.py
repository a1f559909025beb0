"""The series of a row, as ours are spelled."""

from __future__ import annotations

from ...json_text import parse
from ...sample import canonical

# Different tags that are remembered; more are read anew each time.
REMEMBERED = 10_000
DEVICE = "device_id"


class Spelling:
    """`device_id` of the box itself, "" for none. A row of another device keeps that one's id as a tag."""

    def __init__(self, device_id: str) -> None:
        self._device_id = device_id
        self._known: dict[tuple[object, object], str] = {}

    def tags(self, text: object, device: object) -> str:
        """Canonical tags of the row with the tags `text`, a JSON object; text that is none is kept as a tag."""
        key = text, device
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[key] = canonical(self._read(text, device))
        return found

    def _read(self, text: object, device: object) -> dict[str, str]:
        tags: dict[str, str] = {}
        if isinstance(text, str) and text.strip():
            try:
                found = parse(text)
            except ValueError:
                found = text
            if isinstance(found, dict):
                tags = {key: _word(value) for key, value in found.items()}
            elif found is not None:
                tags = {"tags": text}
        if device not in (None, "", self._device_id):
            tags[DEVICE] = str(device)
        return tags


def _word(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: ""}[value]
    return str(value)
