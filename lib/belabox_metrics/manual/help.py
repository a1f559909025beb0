"""What `COMMAND --help` prints, taken apart."""

from __future__ import annotations

import contextlib
import io
import os
import re
from importlib import import_module
from typing import NamedTuple

# So wide that argparse breaks no line.
_WIDTH = "2000"
# An argument, or an option with its value, then what it does; that may stand in the next line where both are long.
_ARGUMENT = re.compile(r"  (?P<name>[^ ].*?)(?:  +(?P<text>[^ ].*))?$")
_CONTINUED = re.compile(r" {8,}(?P<text>[^ ].*)$")
_TITLE = re.compile(r"[a-z][^:]*:$")


class Argument(NamedTuple):
    """`name` as it is written: `FILE`, `--json`, `-o FILE, --output FILE`; `text` is what it does."""

    name: str
    text: str

    @property
    def flags(self) -> list[str]:
        """`-o`, `--output`; [] for what stands by its place."""
        return re.findall(r"(?:^|, )(--?[a-z][a-z-]*)", self.name)

    @property
    def takes(self) -> str:
        """What its value is called, "" for none: `FILE`, `{jsonl,csv}`."""
        return self.name.rpartition(", ")[2].partition(" ")[2] if self.flags else ""


class Help(NamedTuple):
    """`paragraphs` go before the arguments, `end` after them; lines with blanks in front keep their breaks."""

    usage: str
    paragraphs: list[str]
    arguments: list[Argument]
    end: list[str]


def of(module: str) -> Help:
    """What the command in `module` (as cli.COMMANDS names it) says. For a process of its own: it sets the width of
    the terminal that argparse sees."""
    os.environ["COLUMNS"] = _WIDTH
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        import_module(f"..{module}", __package__).main(["--help"])
    return read(said.getvalue())


def read(text: str) -> Help:
    """The text of a help. A paragraph, the usage first; arguments in lines that begin with two blanks."""
    usage, _, rest = text.strip("\n").partition("\n\n")
    before: list[str] = []
    after: list[str] = []
    arguments: list[Argument] = []
    for block in rest.split("\n\n"):
        lines = block.split("\n")
        found = _arguments(lines[1:] if _TITLE.match(lines[0]) else lines)
        if found:
            arguments += found
        else:
            (after if arguments else before).append(block)
    return Help(" ".join(usage.partition("usage: ")[2].split()), before, arguments, after)


def _arguments(lines: list[str]) -> list[Argument]:
    """[] where these are not such lines, all of them."""
    found: list[Argument] = []
    for line in lines:
        continued = _CONTINUED.match(line)
        if continued and found and not found[-1].text:
            found[-1] = Argument(found[-1].name, continued["text"])
            continue
        argument = _ARGUMENT.match(line)
        if argument is None:
            return []
        found.append(Argument(argument["name"], argument["text"] or ""))
    return found
