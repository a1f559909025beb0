"""The last results, put into docs/platforms.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .outcome import HERE, saved

if TYPE_CHECKING:
    from .outcome import Part, Row

PAGE = HERE.parents[1] / "docs/platforms.md"
BEGIN, END = "<!-- made by tests/platforms/run -->", "<!-- end -->"
# In one table side by side, the oldest first; every other part has one of its own.
SYSTEMS = ("bullseye", "jammy", "bookworm", "noble", "trixie")
HEADINGS = {"pythons": "Each Python"}


def write() -> None:
    """Replaces what stands between the two marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{results(saved())}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def results(parts: list[Part]) -> str:
    """All of it in Markdown; what was said of a thing that was not ok is in it for each."""
    systems = sorted((part for part in parts if part.name in SYSTEMS), key=lambda part: SYSTEMS.index(part.name))
    pages = [part for suite in SYSTEMS for part in parts if part.name == f"pages-{suite}"]
    made = [side_by_side(systems)] if systems else []
    made += [of_the_pages(pages)] if pages else []
    made += [table(part) for part in parts if part not in systems and part not in pages]
    return "\n\n".join(made)


def side_by_side(parts: list[Part]) -> str:
    """A column each, a row for whatever any of them has tried, and below it what was said."""
    titles = dict.fromkeys(row.title for part in parts for row in part.rows)
    found = [{row.title: row for row in part.rows} for part in parts]
    lines = [_cells("", *(_system(part) for part in parts)), _cells("---", *("---" for _ in parts))]
    lines += [_cells(title, *(_state(rows.get(title)) for rows in found)) for title in titles]
    said: dict[str, list[str]] = {}
    for part in parts:
        lines_of_it = [f"{row.title}: {_cell(row.said)}" for row in part.rows if row.said]
        for line in lines_of_it:
            said.setdefault(line, []).append(_system(part))
    notes = [
        f"- {line} ({'everywhere' if len(names) == len(parts) else ', '.join(names)})" for line, names in said.items()
    ]
    when = [f"- {part.about}; {part.when}, commit {part.commit}" for part in parts]
    return "\n".join(["### Each system", "", *when, "", *lines, "", *notes])


def of_the_pages(parts: list[Part]) -> str:
    lines = ["### Every command of the pages", "", _cells("system", "how it went", "seconds", "", "when")]
    lines += [_cells("---", "---", "---:", "---", "---")]
    for part in parts:
        when = f"{part.when}, commit {part.commit}"
        lines += [_cells(row.title, row.state, f"{row.seconds:g}", _cell(row.said), when) for row in part.rows]
    return "\n".join(lines)


def table(part: Part) -> str:
    lines = [f"### {HEADINGS.get(part.name, part.name)}", "", f"{part.about}. {part.when}, commit {part.commit}."]
    lines += ["", "| what | how it went | seconds | |", "| --- | --- | ---: | --- |"]
    lines += [_cells(row.title, row.state, f"{row.seconds:g}", _cell(row.said)) for row in part.rows]
    return "\n".join(lines)


def _system(part: Part) -> str:
    return part.about.partition(":")[0]


def _state(row: Row | None) -> str:
    """A step after one that failed was not tried."""
    return f"{row.state}, {row.seconds:.0f} s" if row else "not tried"


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
