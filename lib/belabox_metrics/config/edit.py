"""Settings changed in the text of a YAML file: what a person wrote around them, comments and order, stays.

Run by the installer: `python3 -m belabox_metrics.config.edit FILE SECTION.KEY=VALUE...`
"""

from __future__ import annotations

import json
import re
import sys

import yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    # section, key, value
    Setting = tuple[str, str, Union[str, bool]]


class NoPlaceFound(Exception):
    """The file is of a form in which a setting can't be placed with certainty."""


def with_settings(text: str, settings: list[Setting]) -> str:
    """`text` with these settings and nothing else changed, which is proven. Raises NoPlaceFound."""
    try:
        wanted: dict[str, Any] = yaml.safe_load(text) or {}
        for section, key, value in settings:
            keys = wanted.get(section) or {}
            if keys.get(key) != value:
                wanted[section] = {**keys, key: value}
                text = _with_setting(text, section, key, value)
        proven = yaml.safe_load(text) == wanted or not settings
    except (yaml.YAMLError, AttributeError, TypeError) as error:
        raise NoPlaceFound from error
    if not proven:
        raise NoPlaceFound
    return text


def _with_setting(text: str, section: str, key: str, value: str | bool) -> str:
    new = json.dumps(value)  # YAML reads JSON's texts and booleans as they are
    body = _entry(yaml.compose(text), section)
    old = _entry(body, key)
    if old is not None:
        start, end = old.start_mark.index, old.end_mark.index
        new = new if start < end else " " + new
        # A comment behind the old value keeps its column if it can.
        gap = len(_BLANKS.match(text, end)[0]) - 1  # type: ignore[index]
        if text[end + gap : end + gap + 1] == "#":
            new += " " * max(2, gap + (end - start) - len(new))
            end += gap
    elif isinstance(body, yaml.MappingNode):
        start = end = body.start_mark.index + bool(body.flow_style)
        new = f"{key}: {new}" + (", " if body.flow_style else "\n" + " " * body.start_mark.column)
    elif body is not None:
        start = end = body.end_mark.index
        new = f"\n  {key}: {new}"
    else:
        start = end = len(text)
        new = f"\n{section}:\n  {key}: {new}\n"
    return text[:start] + new + text[end:]


_BLANKS = re.compile(" *#?")


def _entry(mapping: yaml.Node | None, name: str) -> yaml.Node | None:
    pairs = mapping.value if isinstance(mapping, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def main(arguments: list[str]) -> int:
    path, *words = arguments
    settings: list[Setting] = []
    for word in words:
        where, _, value = word.partition("=")
        section, _, key = where.partition(".")
        settings.append((section, key, value == "true" if value in ("true", "false") else value))
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    try:
        text = with_settings(text, settings)
    except NoPlaceFound:
        names = ", ".join(word.partition("=")[0] for word in words)
        print(f"{path}: could not find out where to write {names}: please do it by hand", file=sys.stderr)
        return 1
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
