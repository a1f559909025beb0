"""What came of a part of the matrix, kept as a file until the part is done again."""

from __future__ import annotations

import json
import subprocess
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.provenance import commit

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
RESULTS = HERE / "results"


class Row(NamedTuple):
    """One thing that was tried. `state`: ok, failed, or "not had" where this machine lacks what it needs; `said`: the
    figures of it, or the last line of what went wrong."""

    title: str
    state: str
    seconds: float
    said: str


class Part(NamedTuple):
    """`name` as on the command line; `about`: the versions it was tried with; `when` (RFC 3339 date), `commit`."""

    name: str
    about: str
    when: str
    commit: str
    rows: tuple[Row, ...]

    @property
    def failed(self) -> bool:
        return any(row.state == "failed" for row in self.rows)


class NotHad(Exception):
    """This machine lacks what is needed; the message says what."""


def attempt(title: str, do: Callable[[], str | None]) -> Row:
    """Does it, and tells on the terminal how it went."""
    started = time.monotonic()
    try:
        said, state = do() or "", "ok"
    except NotHad as lacking:
        said, state = str(lacking), "not had"
    except (AssertionError, LookupError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        said, state = str(error) or _line(error), "failed"
    row = Row(title, state, round(time.monotonic() - started, 1), said)
    print(f"{state:8}{row.seconds:7.1f} s  {title}{': ' + said if said else ''}", flush=True)
    return row


def save(name: str, about: str, rows: list[Row]) -> Part:
    part = Part(name, about, time.strftime("%Y-%m-%d", time.gmtime()), commit(), tuple(map(_short, rows)))
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({**part._asdict(), "rows": [row._asdict() for row in part.rows]}, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return part


def saved() -> list[Part]:
    """The last of each part."""
    parts = []
    for path in sorted(RESULTS.glob("*.json")):
        fields = json.loads(path.read_text(encoding="utf-8"))
        parts.append(Part(**{**fields, "rows": tuple(Row(**row) for row in fields["rows"])}))
    return parts


def _line(error: BaseException) -> str:
    """The line that was not true, for an assertion that says no more."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((f"{frame.name}: {frame.line}" for frame in reversed(frames)), "")


def _short(row: Row) -> Row:
    lines = [line for line in row.said.splitlines() if line.strip()]
    return row._replace(said=lines[-1].strip()[:200] if lines else "")
