"""The sections of the document, every key of theirs checked and every default filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import duration, kinds, overrides, size
from .document import Mapping
from .elsewhere import instead, is_known
from .findings import Findings, Unfit, label, shown, similar
from .keys import ALERTS, KEYS, METRICS, SECTIONS, Key
from .kinds import Value

if TYPE_CHECKING:
    from .document import Node
    from .overrides import Override

NO_KEYS = "its keys belong below it, indented; or remove the line"

_KEYS = {key.path: key for key in KEYS}


class Sections:
    """What the document says outside of `metrics:` and `alerts:`, found by its dotted path, `remote.retry.enabled`."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[int, Value]] = {}

    def give(self, path: str, line: int, value: Value) -> None:
        self._given[path] = (line, value)

    def line(self, path: str) -> int:
        """Where `path` is given; 1 when it is not."""
        return self._given[path][0] if path in self._given else 1

    def is_given(self, path: str) -> bool:
        return path in self._given

    def value(self, path: str) -> Value | None:
        """The value given, or the default; None where there is neither."""
        return self._given[path][1] if path in self._given else _KEYS[path].default

    def text(self, path: str) -> str:
        value = self.value(path)
        return value if isinstance(value, str) else ""

    def number(self, path: str) -> float:
        value = self.value(path)
        return value if isinstance(value, (int, float)) else 0

    def integer(self, path: str) -> int:
        """Of a duration: in ms."""
        return int(self.number(path))

    def flag(self, path: str) -> bool:
        return self.value(path) is True


def read(root: Mapping, findings: Findings) -> Sections:
    """All that `root` says outside of `metrics:`. What does not fit is in `findings`, and has its default."""
    sections = Sections()
    _walk(root, "", sections, findings)
    return sections


def override(sections: Sections, found: list[Override], findings: Findings) -> None:
    """What the environment says comes before what the file says."""
    for key, override, node in overrides.nodes(found, findings):
        findings.place(key.path, override.where)
        _give(key, 0, node, sections, findings)


def _give(key: Key, line: int, node: Node, sections: Sections, findings: Findings) -> None:
    try:
        value = kinds.read(key.kind, node)
        _check_bounds(key, value)
    except Unfit as unfit:
        findings.add_unfit(line, key.path, unfit)
    else:
        sections.give(key.path, line, value)


def _walk(mapping: Mapping, section: str, sections: Sections, findings: Findings) -> None:
    for name, (line, node) in mapping.entries.items():
        path = f"{section}.{name}" if section else name
        if path in SECTIONS:
            if isinstance(node, Mapping):
                _walk(node, path, sections, findings)
            else:
                findings.add(line, path, "is not a mapping", NO_KEYS)
        elif path in _KEYS:
            _give(_KEYS[path], line, node, sections, findings)
        elif path not in (METRICS, ALERTS):
            _unknown(section, name, line, node, findings)


def _check_bounds(key: Key, value: Value) -> None:
    if key.choices and value not in key.choices:
        hint = f"write one of {', '.join(key.choices)}"
        if key.path == "logging.output":
            hint += "; the journal is the log, whichever it is"
        raise Unfit(f"{shown(str(value))} is not known", hint)
    if isinstance(value, (int, float)):
        check_range(key.kind, value, key.low, key.high)


def check_range(kind: str, value: float, low: int | None, high: int | None) -> None:
    """Raises Unfit when `value`, of the kind `kind`, is less than `low` or more than `high`."""
    if low is not None and value < low:
        raise Unfit(f"is less than {_spelled(kind, low)}")
    if high is not None and value > high:
        raise Unfit(f"is more than {_spelled(kind, high)}")


def _spelled(kind: str, bound: int) -> str:
    if kind == "duration":
        return duration.spell(bound)
    return size.spell(bound) if kind == "size" else str(bound)


def _unknown(section: str, name: str, line: int, node: object, findings: Findings) -> None:
    path = f"{section}.{name}" if section else name
    inner = node.entries if isinstance(node, Mapping) else {}
    known = [(at, f"{path}.{key}") for key, (at, _) in inner.items() if is_known(f"{path}.{key}")]
    if known:
        for at, key in known:
            findings.add(at, key, "is not a known key", instead(key))
        return
    # A name may have dots of its own.
    shown_path = f"{section}.{label(name)}" if section else label(name)
    findings.add(line, shown_path, "is not a known key", instead(path) or similar(name, _names(section)))


def _names(section: str) -> list[str]:
    """The keys and sections directly inside `section`, "" for the file itself."""
    every = [*_KEYS, *SECTIONS, METRICS, ALERTS]
    return [path.rpartition(".")[2] for path in every if path.rpartition(".")[0] == section]
