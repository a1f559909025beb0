"""A YAML document as a tree that remembers lines.

Built from the parser's events, not from its object graph: an event is seen before anything is made of it, so
nesting, tags, anchors and aliases are refused where they stand, and no bomb is ever unfolded. Scalars stay
text; what `no` or `1e3` means is decided by the key it belongs to, not by how it looks.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Union

import yaml

from ..errors import ConfigProblem
from .findings import label, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .findings import Findings

# The documented file needs 5.
DEPTH = 16

_NULLS = ("", "~", "null", "Null", "NULL")
# A line break of any kind in a value could become a line of its own in a unit file.
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")


def has_unprintable(text: str) -> bool:
    return any(unicodedata.category(char) in _UNPRINTABLE for char in text)


class Scalar:
    """One text. `plain`: written without quotes, so that it may stand for a number, a boolean or nothing."""

    __slots__ = ("line", "plain", "text")

    def __init__(self, line: int, text: str, plain: bool) -> None:
        self.line = line
        self.text = text
        self.plain = plain

    def is_null(self) -> bool:
        return self.plain and self.text in _NULLS


class Sequence:
    __slots__ = ("items", "line")

    def __init__(self, line: int) -> None:
        self.line = line
        self.items: list[Node] = []


class Mapping:
    """`entries`: key -> (line of the key, value)."""

    __slots__ = ("entries", "line")

    def __init__(self, line: int) -> None:
        self.line = line
        self.entries: dict[str, tuple[int, Node]] = {}


Node = Union[Scalar, Sequence, Mapping]


def parse(text: str, findings: Findings) -> Mapping:
    """The one mapping that `text` is. Duplicate keys and unprintable characters become findings; what makes
    the rest meaningless (syntax, nesting, tags, anchors, several documents) raises ConfigProblem at once."""
    builder = _Builder(text, findings)
    try:
        root = builder.document()
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        where = f"{findings.file}:{mark.line + 1}:{mark.column + 1}" if mark else findings.file
        what = ", ".join(part for part in (fault.problem, fault.context) if part)
        hint = "indent with spaces" if mark and _tab_at(text, mark.line) else ""
        raise ConfigProblem(f"is not valid YAML: {what}", where=where, hint=hint) from None
    except yaml.YAMLError as fault:
        raise ConfigProblem(f"is not valid YAML: {str(fault).splitlines()[0]}", where=findings.file) from None
    return root


class _Builder:
    def __init__(self, text: str, findings: Findings) -> None:
        # The C parser where PyYAML was built with it: 15 times faster.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
        self._findings = findings

    def document(self) -> Mapping:
        root: Mapping | None = None
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            line = _line(event)
            if root is not None:
                raise self._refused(line, "a second document begins", "remove the ---")
            node = self._node(next(self._events), "", 1)
            if isinstance(node, Scalar) and node.is_null():
                continue
            if not isinstance(node, Mapping):
                raise self._refused(node.line, "is not a mapping", "the file begins with `device:`")
            root = node
        if root is None:
            raise self._refused(1, "is empty", "the shipped configs/config.yaml is a start")
        return root

    def _node(self, event: yaml.Event, path: str, depth: int) -> Node:
        line = _line(event)
        if getattr(event, "anchor", None) is not None:
            # Nothing in this file repeats; and without aliases there are no alias bombs.
            hint = "write the value out, or put it in quotes"
            raise self._refused(line, "has an anchor or alias (& or *)", hint, path)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._refused(line, f"has the tag {shown(tag)}", "remove it", path)
        if depth > DEPTH:
            raise self._refused(line, f"is nested deeper than {DEPTH} levels", "", path)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, line, path)
        if isinstance(event, yaml.SequenceStartEvent):
            sequence = Sequence(line)
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                sequence.items.append(self._node(event, f"{path}[{len(sequence.items) + 1}]", depth + 1))
            return sequence
        return self._mapping(line, path, depth)

    def _mapping(self, start: int, path: str, depth: int) -> Mapping:
        mapping = Mapping(start)
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, path, depth + 1)
            if not isinstance(key, Scalar):
                raise self._refused(key.line, "has a list or mapping for a key", "", path)
            inner = f"{path}.{label(key.text)}" if path else label(key.text)
            value = self._node(next(self._events), inner, depth + 1)
            if key.text in mapping.entries:
                first = mapping.entries[key.text][0]
                self._findings.add(key.line, inner, f"is given twice, first in line {first}", "remove one")
            else:
                mapping.entries[key.text] = (key.line, value)
        return mapping

    def _scalar(self, event: yaml.ScalarEvent, line: int, path: str) -> Scalar:
        text: str = event.value
        if has_unprintable(text):
            self._findings.add(line, path, "has a line break or another control character in it")
        # The C parser says "" for a scalar without quotes, the Python one None.
        return Scalar(line, text, plain=not event.style)

    def _refused(self, line: int, what: str, hint: str, path: str = "") -> ConfigProblem:
        where = f"{self._findings.file}:{line}" + (f": {path}" if path else "")
        return ConfigProblem(what, where=where, hint=hint)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _tab_at(text: str, line: int) -> bool:
    lines = text.split("\n")
    return line < len(lines) and lines[line][: len(lines[line]) - len(lines[line].lstrip())].count("\t") > 0
