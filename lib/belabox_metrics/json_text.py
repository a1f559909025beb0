"""JSON for processes that can't afford the `json` package.

`import json` pulls in `re` and costs as much CPU as the bare interpreter does. The C half beneath it costs
nothing to load and has had these two names since Python 3.1; where it lacks them the package itself is used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


class _Plain:
    """What the C scanner wants to know about building values: nothing special."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def quote(text: str) -> str:
    """`text` as an ASCII-only JSON string, quotes included.

    Half a surrogate pair, which no encoding of Unicode has, is written as the six characters that name it."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _encoder()(whole)


def parse(text: str) -> object:
    """The value of a JSON document. `NaN` and `Infinity` come out as floats: judge numbers before using them.

    Raises ValueError, with a text made for people, when it is not one JSON document."""
    body = text.strip(" \t\r\n")
    try:
        value, end = _scanner()(body, 0)
    except StopIteration:
        raise ValueError("no JSON value") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except SystemError:
        # It makes its errors of a class of json.decoder, and where nobody has imported that (before Python 3.12) none.
        from json import loads

        value, end = loads(body), len(body)
    if end != len(body):
        raise ValueError("something follows the JSON value")
    return value


def _encoder() -> Callable[[str], str]:
    try:
        from _json import encode_basestring_ascii
    except ImportError:
        from json.encoder import encode_basestring_ascii
    return encode_basestring_ascii


def _scanner() -> Callable[[str, int], tuple[object, int]]:
    try:
        from _json import make_scanner
    except ImportError:
        from json import JSONDecoder

        return JSONDecoder().raw_decode
    return make_scanner(_Plain)  # type: ignore[arg-type]
