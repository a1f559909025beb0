"""The text format of Prometheus: families of samples of one name, each with its HELP and TYPE.

Format: version 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. One sample that
breaks it, or that stands there twice, costs the reader the whole page: so it is here that neither can happen.
"""

from __future__ import annotations

from ..json_text import quote

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNTER = "counter"
GAUGE = "gauge"
SUMMARY = "summary"

_LARGEST = 1.7976931348623157e308


class Families:
    """The samples of a page, kept together by name, in the order in which the names first came."""

    def __init__(self) -> None:
        # name -> (HELP and TYPE, {name and labels: value})
        self._found: dict[str, tuple[str, dict[str, str]]] = {}

    def add(self, name: str, kind: str, words: str, labels: str, value: float) -> None:
        """`labels` as `labels_text` gives them. A value that no double holds is left out, as uploads leave it; of two
        samples of one series the first stays, as do kind and words of a name."""
        if not -_LARGEST <= value <= _LARGEST:  # NaN is not either
            return
        family = self._found.get(name)
        if family is None:
            head = f"# HELP {name} {_help(words)}\n# TYPE {name} {kind}\n"
            family = self._found[name] = (head, {})
        family[1].setdefault(f"{name}{labels}", repr(value))

    def text(self) -> str:
        """The page."""
        parts: list[str] = []
        for head, samples in self._found.values():
            parts.append(head)
            parts += [f"{series} {value}\n" for series, value in samples.items()]
        return "".join(parts)


def labels_text(labels: dict[str, str]) -> str:
    """`{core="all",device_id="box"}`, "" for none. Names are those of upload/names.py, values anything but half a
    surrogate pair."""
    if not labels:
        return ""
    return "{" + ",".join([f"{name}={_quoted(value)}" for name, value in labels.items()]) + "}"


def _quoted(value: str) -> str:
    if value.isascii() and value.isprintable():
        # JSON escapes the same two characters of those that can be printed, in C.
        return quote(value)
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return f'"{escaped}"'


def _help(words: str) -> str:
    return words.replace("\\", "\\\\").replace("\n", "\\n")
