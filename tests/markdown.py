"""What stands in a page of the documentation: its headings, links, tables and fenced blocks, by the rules of GitHub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# Languages of blocks that a reader may paste into a shell. `console`: "$ " before a command, what it prints below it.
SHELL = ("bash", "sh", "console")

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_MARK = re.compile(r"<!-- (.*?) -->\n+\Z")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|\b(?:src|srcset|href)=\"([^\"]+)\"")
# What changes from run to run.
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Fence(NamedTuple):
    """`mark` is the comment right before it, `heading` that of the section it stands in."""

    heading: str
    language: str
    text: str
    mark: str


class Step(NamedTuple):
    """A command, and the lines that it is said to print."""

    command: str
    prints: list[str]


def fences(page: str) -> list[Fence]:
    found = []
    for match in _FENCE.finditer(page):
        before = page[: match.start()]
        # What looks like a heading in a block is a comment of that language.
        headings = _HEADING.findall(_FENCE.sub("", before))
        mark = _MARK.search(before)
        indent = len(match[1])
        text = "".join(line[indent:] if line.strip() else "\n" for line in match[3].splitlines(keepends=True))
        found.append(Fence(headings[-1][1] if headings else "", match[2], text, mark[1] if mark else ""))
    return found


def is_of_the_tests(fence: Fence) -> bool:
    """Whether it has nothing but commands below tests/: what those do is for themselves to say."""
    return all(re.match(r"(?:[A-Z_]+=\S+ )*tests/", line) for line in fence.text.splitlines())


def steps(fence: Fence) -> list[Step]:
    """What is to be run: all of a block as one command, of a console each line after "$ "."""
    if fence.language != "console":
        return [Step(fence.text, [])]
    found: list[Step] = []
    for line in fence.text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:], []))
        elif line.strip(" …"):
            found[-1].prints.append(line)
    return found


def missing(printed: str, expected: list[str]) -> list[str]:
    """Of the expected lines those that are not found in this order. A line may be a part of what is printed, "…" is
    anything, a number is any number, and blanks count as one."""
    lines = iter([_levelled(line) for line in printed.splitlines()])
    absent = []
    for wanted in expected:
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in _levelled(wanted).split("…")))
        if not any(pattern.search(line) for line in lines):
            absent.append(wanted)
    return absent


def _levelled(line: str) -> str:
    return " ".join(_NUMBER.sub("0", line).split())


def prose(page: str) -> str:
    """The page without its blocks and comments."""
    return re.sub(r"<!--.*?-->", "", _FENCE.sub("", page), flags=re.DOTALL)


def anchors(page: str) -> set[str]:
    """Where a link may lead within the page."""
    found: dict[str, int] = {}
    names = set()
    for _, title in _HEADING.findall(_FENCE.sub("", page)):
        plain = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = found.get(plain, 0)
        found[plain] = count + 1
        names.add(f"{plain}-{count}" if count else plain)
    return names


def links(page: str) -> list[str]:
    """Where its links and pictures lead, code left out."""
    text = re.sub(r"`[^`\n]+`(?!\])", "", prose(page))
    return [one or other for one, other in _LINK.findall(text)]


def code(page: str) -> list[str]:
    """What is written as code within sentences and tables."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(page))


def rows(page: str) -> Iterator[list[list[str]]]:
    """Each table: its rows with their cells. A bar in code is escaped there."""
    for block in re.split(r"\n\s*\n", prose(page)):
        lines = [line.strip() for line in block.splitlines() if line.strip().startswith("|")]
        if lines:
            yield [re.split(r"(?<!\\)\|", line.strip("|")) if line.endswith("|") else [line] for line in lines]
