"""Values from the environment, before those of the file: `BELABOX_METRICS_REMOTE_URL` for `remote.url`.

For provisioning: one configuration for twenty boxes, and what differs in /etc/default/belabox-metrics, lines of
`NAME=value`. That file is read here, not by the unit, so that `check` by hand sees what the unit sees; nobody else
reads it, so a name in it that is none of a key is a mistake. A variable of the process comes before it. An empty value
counts as none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from .document import Scalar, Sequence, has_unprintable
from .file import read_text
from .findings import Findings, similar
from .keys import ALERTS, KEYS, METRICS, SECTIONS
from .kinds import LISTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .document import Node
    from .keys import Key

PREFIX = "BELABOX_METRICS_"
DEFAULTS_FILE = "/etc/default/belabox-metrics"


class Override(NamedTuple):
    """`name` is the variable, `where` tells a person where it was set."""

    name: str
    text: str
    where: str


def name_of(key: Key) -> str:
    """`BELABOX_METRICS_REMOTE_RETRY_MAX_BACKOFF`"""
    return PREFIX + key.path.upper().replace(".", "_")


def read(findings: Findings, environment: Mapping[str, str], defaults_file: str = DEFAULTS_FILE) -> list[Override]:
    """The variables that are meant for a key, whether there is one or not. What can't be read of the file is in
    `findings`; raises ConfigProblem when that is all of it."""
    found: dict[str, Override] = {}
    if os.path.lexists(defaults_file):
        for line, text in enumerate(read_text(defaults_file).splitlines(), 1):
            text = text.strip()
            if not text or text.startswith("#"):
                continue
            name, is_pair, value = text.partition("=")
            where = f"{defaults_file}:{line}"
            if not is_pair or not name.startswith(PREFIX) or not name.replace("_", "").isalnum():
                # Not shown: it may be the token in the wrong place.
                findings.add_at(where, f"is not {PREFIX}...=value")
            elif name in found:
                findings.add_at(f"{where}: {name}", "is given twice", "remove one")
            else:
                found[name] = Override(name, _unquoted(value.strip()), f"{where}: {name}")
    for name in sorted(environment):
        if name.startswith(_MEANT):
            found[name] = Override(name, environment[name], f"environment: {name}")
    return [override for override in found.values() if override.text]


def nodes(overrides: list[Override], findings: Findings) -> Iterator[tuple[Key, Override, Node]]:
    """The key of each, and the value as it would stand in the file. Names of no key are in `findings`."""
    keys = {name_of(key): key for key in KEYS}
    for override in overrides:
        if override.name not in keys:
            hint = similar(override.name, keys) or "docs/configuration.md has their names"
            findings.add_at(override.where, "is not the name of a key", hint)
        elif has_unprintable(override.text):
            findings.add_at(override.where, "has a control character in it")
        else:
            key = keys[override.name]
            yield key, override, _node(key, override.text)


def _node(key: Key, text: str) -> Node:
    if key.kind not in LISTS:
        return Scalar(0, text, plain=True)
    items = Sequence(0)
    items.items += [Scalar(0, item.strip(), plain=True) for item in text.split(",")]
    return items


# Of a process others with our prefix are for programs: where the database is, which file to read.
_MEANT = tuple(f"{PREFIX}{section.partition('.')[0].upper()}_" for section in (*SECTIONS, METRICS, ALERTS))


def _unquoted(text: str) -> str:
    """Quotes around the whole, as a shell takes them away."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
