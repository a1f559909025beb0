"""What a person's program prints: `name{tag="value"} number`, one a line.

It is the text format of Prometheus (prometheus/docs, `instrumenting/exposition_formats.md`) without timestamps, with
dots allowed in names. Comments, `# HELP` and `# TYPE` among them, are passed over.
"""

from __future__ import annotations

from ..sample import Sample, canonical
from ..source import shown
from .names import is_label, is_series, taken

# A person's metric has a handful of values; each is a series for as long as the server keeps them.
MOST = 200
MOST_TAGS = 10
LONGEST_TAG = 200  # characters

_BLANKS = " \t\r"
_NUMBER = frozenset("0123456789+-.eE")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
_LARGEST = 1 << 63


def parse(text: str) -> tuple[list[Sample], list[str]]:
    """The values of the lines that are right, and what is wrong with the others: `line 3: …`, 1 being the first."""
    samples: list[Sample] = []
    faults: list[str] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip(_BLANKS)
        if not line or line.startswith("#"):
            continue
        if len(samples) == MOST:
            faults.append(f"line {number}: more than {MOST} values, the rest is left out")
            break
        try:
            sample = _sample(line)
        except ValueError as fault:
            faults.append(f"line {number}: {fault}")
            continue
        # As it is sent: a dot and an underscore are the same there.
        series = sample.name.replace(".", "_") + canonical(sample.tags)
        if series in lines:
            faults.append(f"line {number}: gives {shown(sample.name)} again, as line {lines[series]} did")
            continue
        lines[series] = number
        samples.append(sample)
    return samples, faults


def _sample(line: str) -> Sample:
    """Raises ValueError, with the reason in words."""
    end = min([at for at in (line.find(char) for char in "{ \t") if at >= 0], default=len(line))
    name, rest = line[:end], line[end:].lstrip(_BLANKS)
    if not is_series(name):
        raise ValueError(f"{shown(name)} is not a name: letters, digits, underscores and dots")
    word = taken(name)
    if word:
        raise ValueError(f"{shown(name)} begins with {word}, as names of belabox-metrics do: choose another word")
    tags: dict[str, str] = {}
    if rest.startswith("{"):
        tags, rest = _tags(rest)
    words = rest.split()
    if not words:
        raise ValueError(f"{shown(name)} has no value")
    value = _number(words[0])
    if len(words) == 2 and words[1].lstrip("-").isdigit():
        raise ValueError("has a timestamp behind the value: a value has the time at which the program was run")
    if len(words) > 1:
        raise ValueError(f"has {shown(words[1])} behind the value")
    return Sample(name, value, tags)


def _tags(text: str) -> tuple[dict[str, str], str]:
    """`{a="b",c="d"} 1` to the tags and what follows them. One with an empty value is none, as in Prometheus."""
    tags: dict[str, str] = {}
    seen: set[str] = set()
    rest = text[1:].lstrip(_BLANKS)
    while not rest.startswith("}"):
        key, equals, rest = rest.partition("=")
        key, rest = key.strip(_BLANKS), rest.lstrip(_BLANKS)
        if not equals or not rest.startswith('"'):
            raise ValueError('has tags that are not written {name="value"}')
        if not is_label(key):
            raise ValueError(f"{shown(key)} is not the name of a tag: letters, digits and underscores")
        if key.startswith("__") or key == "device_id":
            raise ValueError(f"has the tag {key}, which belabox-metrics gives itself")
        if key in seen:
            raise ValueError(f"has the tag {key} twice")
        seen.add(key)
        value, rest = _quoted(rest, key)
        if value:
            tags[key] = value
        rest = rest.lstrip(_BLANKS)
        if rest.startswith(","):
            rest = rest[1:].lstrip(_BLANKS)
        elif not rest.startswith("}"):
            raise ValueError(f"has tags that do not end behind {key}")
    if len(tags) > MOST_TAGS:
        raise ValueError(f"has more than {MOST_TAGS} tags")
    return tags, rest[1:]


def _quoted(text: str, key: str) -> tuple[str, str]:
    """`"a\\"b" rest` to the text between the quotes and what follows them."""
    found: list[str] = []
    characters = iter(enumerate(text))
    next(characters)
    for at, char in characters:
        if char == '"':
            value = "".join(found)
            if len(value) > LONGEST_TAG:
                raise ValueError(f"has the tag {key}, which is longer than {LONGEST_TAG} characters")
            return value, text[at + 1 :]
        if char == "\\":
            char = _ESCAPES.get(next(characters, (0, ""))[1], "")
            if not char:
                raise ValueError(f'has the tag {key} with a \\ that is none of \\\\, \\" and \\n')
        elif not char.isprintable():
            raise ValueError(f"has the tag {key} with {char!a} in it")
        found.append(char)
    raise ValueError(f"has the tag {key} without its closing quote")


def _number(word: str) -> int | float:
    """A whole number stays one: a counter of bytes is to be right to the last."""
    digits = word[1:] if word[0] in "+-" else word
    try:
        if digits.isdigit() and digits.isascii() and len(digits) < 20:
            value: int | float = int(word)
        elif _NUMBER.issuperset(word):
            value = float(word)
        else:
            raise ValueError
    except ValueError:
        raise ValueError(f"{shown(word)} is not a number; leave a line out that has none to give") from None
    if not -_LARGEST < value < _LARGEST:
        raise ValueError(f"{shown(word)} is too large")
    return value
