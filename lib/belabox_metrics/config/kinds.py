"""The kinds of values a key can have: from a node of the document to a value, or Unfit with the reason.

boolean     bool                          name      str: letters, digits, dots, dashes, underscores
count       int, 1 or more                path      str, absolute, "" for none
credential  str, absolute, "" for none    pattern   str, a regular expression, "" for none
database    str, absolute                 patterns  list of these
directory   str, absolute, "" for none
duration    int, ms                       percent   int or float, `20%` or `20`
header      str, its name, "" for none    rate      float, a second, `1/s` or `30/m`
integer     int                           size      int, bytes
listen      str, `HOST:PORT`              text      str, one line
networks    list of str, `10.0.0.0/8`
number      int or float                  url       str, "" for none
"""

from __future__ import annotations

import posixpath
import re
from typing import Callable, Union

from ..remote.credentials import TOKEN_FILE
from . import address, duration, size
from .document import Mapping, Node, Scalar
from .findings import Unfit, shown

Value = Union[str, int, float, bool, list[str]]

_TRUE = ("true", "yes", "on")
_FALSE = ("false", "no", "off")
# The sandbox of the jobs has another one of these, or none.
_HIDDEN = ("/dev", "/home", "/proc", "/root", "/run/user", "/sys", "/tmp", "/var/tmp")  # noqa: S108 - refused, not used
_TEXT_LIMIT = 256
_PATH_LIMIT = 1024
_PATTERN_LIMIT = 256


def read(kind: str, node: Node) -> Value:
    """The value that `node` is, as a value of `kind`. Raises Unfit; KeyError for a kind that there is not."""
    if kind == "patterns":
        return _patterns(node)
    if kind == "networks":
        return _networks(node)
    noun, convert = KINDS[kind]
    if not isinstance(node, Scalar):
        raise Unfit(f"is a {'mapping' if isinstance(node, Mapping) else 'list'}, not {noun}")
    if node.is_null():
        raise Unfit("has no value", "write one, or remove the line for the default")
    if not node.plain and kind in _UNQUOTED:
        raise Unfit(f"is a text, not {noun}", "write it without quotes")
    return convert(node.text)


def noun(kind: str) -> str:
    """What a value of `kind` is, for a person."""
    if kind in LISTS:
        return "a list of networks" if kind == "networks" else "a list of regular expressions"
    return KINDS[kind][0]


def _text(text: str) -> str:
    if text != text.strip():
        raise Unfit(f"{shown(text)} has blanks around it")
    if len(text) > _TEXT_LIMIT:
        raise Unfit(f"is longer than {_TEXT_LIMIT} characters")
    return text


def _name(text: str) -> str:
    # It names a box in file names, unit files, labels and URLs: none of them should have to quote it.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise Unfit(f"{shown(text)} is not a name", "letters, digits, dots, dashes and underscores, 64 at most")
    return text


def _path(text: str) -> str:
    if not text:
        return text
    if not text.startswith("/"):
        # Not shown: it may be a URL in the wrong place, and secret.
        raise Unfit("does not begin with /")
    if text.startswith("//") or posixpath.normpath(text) != text or len(text) > _PATH_LIMIT or text == "/":
        raise Unfit("is not the plain path of a file", "no .., no // and no / at its end")
    return text


def _database(text: str) -> str:
    if not text:
        raise Unfit("is empty", "remove the line for the default")
    return _seen(_path(text), "/var/lib or /mnt")


def _directory(text: str) -> str:
    return _seen(_path(text), "/var/lib or /mnt")


def _credential(text: str) -> str:
    return _seen(_path(text), "/etc")


def _seen(path: str, better: str) -> str:
    for place in _HIDDEN:
        if path.startswith(place + "/"):
            raise Unfit(f"is in {place}, which the jobs do not see as it is", f"put it below {better}")
    return path


def _integer(text: str) -> int:
    # YAML 1.1 would read 010 as 8, 1:30 as 90 and 1_0 as 10; nobody means that here.
    if not re.fullmatch(r"-?(?:0|[1-9][0-9]{0,17})", text):
        raise Unfit(f"{shown(text)} is not a whole number")
    return int(text)


def _count(text: str) -> int:
    number = _integer(text)
    if number < 1:
        raise Unfit("is less than 1")
    return number


def _number(text: str) -> int | float:
    if re.fullmatch(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,9}", text):
        return float(text)
    try:
        return _integer(text)
    except Unfit:
        raise Unfit(f"{shown(text)} is not a number") from None


def _percent(text: str) -> int | float:
    try:
        return _number(text[:-1] if text.endswith("%") else text)
    except Unfit:
        raise Unfit(f"{shown(text)} is not a percentage", "write 20%") from None


def _rate(text: str) -> float:
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)/([smh])", text)
    if match is None or not float(match[1]):
        raise Unfit(f"{shown(text)} is not a rate", "write 1/s, 30/m or 10/h")
    return float(match[1]) * duration.SECOND / duration.UNITS[match[2]]


def _header(text: str) -> str:
    if not text:
        return text
    # A token of RFC 9110, section 5.6.2.
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", text):
        # Not shown: its value, the secret, may stand behind the name.
        raise Unfit("is not the name of a header", f"the name alone, as X-API-Key; its value is in {TOKEN_FILE}")
    if text.lower() in _OUR_HEADERS or text.lower().startswith("x-prometheus-"):
        raise Unfit(f"{text} is set by the uploader itself")
    return text


# Those of a request as the uploader makes it, and those by which a request could be made into two.
_OUR_HEADERS = (
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-device-id",
)


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise Unfit(f"{shown(text)} is not a boolean", "write true or false")


def _pattern(text: str) -> str:
    if len(text) > _PATTERN_LIMIT:
        raise Unfit(f"is longer than {_PATTERN_LIMIT} characters")
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as fault:
        hint = "for any characters write .*" if text.startswith("*") else ""
        raise Unfit(f"{shown(text)} is not a regular expression: {fault}", hint) from None
    return text


def _patterns(node: Node) -> list[str]:
    if isinstance(node, (Scalar, Mapping)):
        raise Unfit(f"is a {'mapping' if isinstance(node, Mapping) else 'text'}, not a list", 'write ["lo", "wlan.*"]')
    found = []
    for item in node.items:
        pattern = read("pattern", item)
        if not isinstance(pattern, str) or not pattern:
            raise Unfit("has an empty pattern in it", "remove it: it fits no name")
        found.append(pattern)
    return found


def _networks(node: Node) -> list[str]:
    if isinstance(node, (Scalar, Mapping)):
        raise Unfit(f"is a {'mapping' if isinstance(node, Mapping) else 'text'}, not a list", "write [192.168.1.0/24]")
    return [str(read("network", item)) for item in node.items]


KINDS: dict[str, tuple[str, Callable[[str], Value]]] = {
    "boolean": ("true or false", _boolean),
    "count": ("a whole number", _count),
    "credential": ("a path", _credential),
    "database": ("a path", _database),
    "directory": ("a path", _directory),
    "duration": ("a duration", duration.parse),
    "header": ("the name of a header", _header),
    "integer": ("a whole number", _integer),
    "listen": ("ADDRESS:PORT", address.listen),
    "name": ("a name", _name),
    "network": ("a network", address.network),
    "number": ("a number", _number),
    "path": ("a path", _path),
    "pattern": ("a regular expression", _pattern),
    "percent": ("a percentage", _percent),
    "rate": ("a rate", _rate),
    "size": ("a size", size.parse),
    "text": ("a text", _text),
    "url": ("a URL", address.url),
}
# What has several values.
LISTS = ("networks", "patterns")
# In quotes these are texts that look like numbers.
_UNQUOTED = ("boolean", "count", "integer", "number")
