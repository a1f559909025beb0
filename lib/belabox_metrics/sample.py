"""One value of one series, and the one spelling of its tags."""

from __future__ import annotations

from .json_text import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Value = Union[int, float, str, None]


class Sample:
    """One value of one series at the moment of the run.

    name: dotted (`cpu.usage_percent`), the unit as its suffix; counters end in `_total`.
    value: a number, a text, or None: the series exists but has no value this time.
    tags: tell series of one name apart."""

    __slots__ = ("name", "tags", "value")

    def __init__(self, name: str, value: Value, tags: dict[str, str] | None = None) -> None:
        self.name = name
        self.value = value
        self.tags = {} if tags is None else tags

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sample):
            return NotImplemented
        return (self.name, self.value, self.tags) == (other.name, other.value, other.tags)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Sample({self.name!r}, {self.value!r}, {self.tags!r})"


def canonical(tags: dict[str, str]) -> str:
    """`tags` as one minified JSON object with sorted keys, "" for none: equal tags are equal texts.

    Always ASCII and always JSON, whatever a device put into its own name."""
    if not tags:
        return ""
    return "{" + ",".join([f"{quote(key)}:{quote(tags[key])}" for key in sorted(tags)]) + "}"
