"""JSON as RFC 8259 has it and no more: Python's own reader lets NaN, doubled keys and endless digits pass."""

from __future__ import annotations

import json

from ..printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, NoReturn

# More than any double has before its point. Python takes quadratic time over digits, or refuses 4300 of them.
LONGEST_INTEGER = 310


def reader() -> Callable[[bytes], object]:
    """A function from one JSON text to its value, which raises ValueError with a text for people."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer, parse_constant=_no_number)

    def read(data: bytes) -> object:
        try:
            return decoder.decode(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"is not UTF-8: byte {data[error.start]:#04x} at {error.start + 1}") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
        except RecursionError:
            raise ValueError("is nested too deeply") from None

    return read


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"has the key {printable(twice)} twice in one object")
    return found


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"has {word}, which JSON does not know")
