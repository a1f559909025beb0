"""configs/config.schema.json: what an editor knows of the configuration (JSON Schema, draft 7).

    python3 -m belabox_metrics.config.json_schema > configs/config.schema.json

It accepts all that `check` accepts. `check` is stricter: it knows what keys must be to each other, and what a regular
expression is.
"""

from __future__ import annotations

import json
from typing import Any

from . import meanings
from .alerts import MOST
from .duration import UNITS
from .keys import ALERTS, KEYS, METRICS, SECTIONS, Key
from .known import discover
from .metrics import LOWEST_PRIORITY

Schema = dict[str, Any]

_DURATION = "^(?=.)" + "".join(f"([0-9]{{1,9}}{unit})?" for unit in UNITS) + "$"
_BOOLEAN = {"enum": [True, False]}  # PyYAML and editors read yes and on as these
# What has no quotes may look like something else.
_ANY_TEXT = {"type": ["string", "number", "boolean"]}
_TYPES: dict[str, Schema] = {
    "boolean": _BOOLEAN,
    "count": {"type": "integer", "minimum": 1},
    "duration": {"type": "string", "pattern": _DURATION},
    "header": {**_ANY_TEXT, "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{0,64}$"},
    "integer": {"type": "integer"},
    "listen": {"type": ["string", "integer"]},
    "name": {**_ANY_TEXT, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
    "networks": {"type": "array", "items": {"type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"}},
    "number": {"type": "number"},
    "patterns": {"type": "array", "items": {"type": "string", "minLength": 1}},
    "percent": {"type": ["string", "number"], "pattern": "^-?[0-9]+(\\.[0-9]+)?%?$"},
    "size": {"type": "string", "pattern": "^[0-9]{1,6}[KMGT]B$"},
    "rate": {"type": "string", "pattern": "^[0-9]{1,6}(\\.[0-9]{1,6})?/[smh]$"},
    "text": _ANY_TEXT,
    "url": {"type": "string", "pattern": "^(https?://[!-~]+)?$"},
}
# A path, and whatever is written like one.
_PATH: Schema = {"type": "string", "pattern": "^(/.*)?$"}


def schema() -> Schema:
    """The whole document."""
    root: Schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "belabox-metrics",
        **_mapping({}),
        "required": ["device", METRICS],
    }
    for section in SECTIONS:
        _place(root, section)["description"] = meanings.SECTIONS[section]
    for key in KEYS:
        _place(root, key.section)["properties"][key.name] = _of_key(key)
    root["properties"]["device"]["required"] = ["id"]
    root["properties"][METRICS] = {"type": "array", "items": {"anyOf": _metrics()}}
    root["properties"][ALERTS] = {
        "type": "object",
        "maxProperties": MOST,
        "propertyNames": {"pattern": "^[a-z0-9][a-z0-9_-]{0,31}$"},
        "additionalProperties": _alert(),
    }
    return root


def _place(root: Schema, section: str) -> Schema:
    place = root
    for name in section.split("."):
        place = place["properties"].setdefault(name, _mapping({}))
    return place


def _mapping(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _of_kind(kind: str) -> Schema:
    return dict(
        _TYPES.get(kind, _PATH if kind in ("credential", "database", "directory", "path") else {"type": "string"})
    )


def _of_key(key: Key) -> Schema:
    found: Schema = {"enum": list(key.choices)} if key.choices else _of_kind(key.kind)
    if key.kind in ("integer", "number"):
        found.update({name: end for name, end in (("minimum", key.low), ("maximum", key.high)) if end is not None})
    return {**found, "description": meanings.KEYS[key.path]}


def _metrics() -> list[Schema]:
    """One for each metric there is, so that an editor knows the settings of each, and one for those of a person."""
    found = []
    for name, known in sorted(discover().items()):
        settings = {
            key: {**_of_kind(kind), "description": meanings.SETTINGS[f"{name}.{key}"]}
            for key, (kind, _) in known.settings.items()
        }
        found.append(_entry({"name": {"const": name}, "config": _mapping(settings)}, "interval"))
    own: Schema = {
        "name": {**_ANY_TEXT, "pattern": "^[a-z][a-z0-9_]*(\\.[a-z0-9_]+)*$"},
        "exec": _of_kind("name"),
        "config": _mapping({"timeout": _of_kind("duration")}),
    }
    return [*found, _entry(own, "interval", "exec")]


def _entry(properties: Schema, *required: str) -> Schema:
    common: Schema = {
        "interval": _of_kind("duration"),
        "enabled": _of_kind("boolean"),
        "priority": {"type": "integer", "minimum": 0, "maximum": LOWEST_PRIORITY},
    }
    described = {
        key: {**value, "description": meanings.METRICS[key]} for key, value in {**properties, **common}.items()
    }
    return {**_mapping(described), "required": ["name", *required]}


def _alert() -> Schema:
    limit = {"type": ["number", "string"], "pattern": "^-?[0-9]+(\\.[0-9]+)?%?$"}
    text = {"type": "string"}
    keys: Schema = {
        "metric": text,
        "series": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.]{0,127}$"},
        "tags": {"type": "object", "additionalProperties": _of_kind("text")},
        "above": limit,
        "below": limit,
        "of": text,
        "for": _of_kind("duration"),
        "clear": limit,
        "enabled": _of_kind("boolean"),
    }
    return _mapping({key: {**value, "description": meanings.ALERTS[key]} for key, value in keys.items()})


def text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
