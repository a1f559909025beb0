"""What install.sh calls to make the man page and the completion, and the completion to learn names. Not for people."""

from __future__ import annotations

import os
import re
import sys

from .. import __version__
from ..errors import Problem, UsageProblem
from ..store.database import DatabaseError, Store, database_path
from . import completion, page
from .help import of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .help import Help

PLACES = ("@VERSION@", "@COMMANDS@", "@TABLES@")
# A shell acts on what else may stand in a name, `$(...)`: bash where it completes, and when what it completed is run.
# No name of ours has it, but whoever may write into the database could give one to whoever presses TAB.
_HARMLESS = re.compile(r"[A-Za-z0-9_.:-]+")
NAMES = {
    "metrics": "SELECT DISTINCT substr(section, 9) FROM settings WHERE section >= 'metrics/' AND section < 'metrics0'",
    "series": "SELECT DISTINCT name FROM series",
    "sessions": "SELECT id FROM sessions ORDER BY number DESC LIMIT 50",
}


def made(frame: str, commands: dict[str, tuple[str, str]]) -> str:
    """`frame` with what the commands (cli.COMMANDS) say of themselves in its places."""
    told: dict[str, Help] = {word: of(module) for word, (module, _) in commands.items()}
    sections = "".join(page.section(word, found) for word, found in told.items())
    texts = (__version__, sections.rstrip("\n"), completion.tables(told))
    for place, text in zip(PLACES, texts):
        frame = frame.replace(place, text)
    return frame


def main(arguments: list[str]) -> int:
    """`frame FILE`, or `names KIND`, which prints nothing where there is nothing to be read."""
    try:
        if len(arguments) != 2 or arguments[0] not in ("frame", "names"):
            raise UsageProblem("takes frame FILE or names KIND")
        if arguments[0] == "names":
            _names(arguments[1])
            return 0
        from ..cli import COMMANDS

        # Defaults are told as they are, and not as this process has found them.
        os.environ.pop("BELABOX_METRICS_DATABASE", None)
        with open(arguments[1], encoding="utf-8") as file:
            print(made(file.read(), COMMANDS), end="")
    except (Problem, OSError) as fault:
        print(f"belabox-metrics: {fault}", file=sys.stderr)
        return fault.exit_code if isinstance(fault, Problem) else 1
    return 0


def _names(kind: str) -> None:
    try:
        connection = Store(database_path()).reading()
        try:
            for (name,) in connection.execute(NAMES[kind]):
                if _HARMLESS.fullmatch(str(name)):
                    print(name)
        finally:
            connection.close()
    except (Problem, DatabaseError, KeyError):
        return
