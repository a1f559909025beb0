"""Numbers out of somebody else's JSON: what can't be true is left out, never mended."""

from __future__ import annotations

from ..sample import Sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Number = Union[int, float]

_MOST = 1 << 63


def number(value: object) -> Number | None:
    """`value` if it is a finite number from 0 up to 2**63, else None: a text, a boolean, NaN, a negative
    counter."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _MOST:
        return value
    return None


def numbers(source: object) -> dict[str, Number]:
    """The fields of a JSON object that are such numbers; none of them when it is no object."""
    if not isinstance(source, dict):
        return {}
    found = {key: number(value) for key, value in source.items()}
    return {key: value for key, value in found.items() if value is not None}


def samples(fields: dict[str, Number], table: tuple[tuple[str, str], ...]) -> list[Sample]:
    """A sample for each (field, series) of `table` whose field is there. The first field of a series wins."""
    found: dict[str, Number] = {}
    for field, series in table:
        if field in fields:
            found.setdefault(series, fields[field])
    return [Sample(series, value) for series, value in found.items()]
