"""The last results, put into docs/platforms.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .outcome import HERE, saved

if TYPE_CHECKING:
    from .outcome import Part

PAGE = HERE.parents[1] / "docs/platforms.md"
BEGIN, END = "<!-- made by tests/platforms/run -->", "<!-- end -->"


def write() -> None:
    """Replaces what stands between the two marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    made = "\n\n".join(table(part) for part in saved())
    PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def table(part: Part) -> str:
    lines = [f"### {part.name}", "", f"{part.about}. {part.when}, commit {part.commit}."]
    lines += ["", "| what | how it went | seconds | |", "| --- | --- | ---: | --- |"]
    lines += [f"| {row.title} | {row.state} | {row.seconds:g} | {_cell(row.said)} |" for row in part.rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
