"""The documentation: all of it is found from README, leads where it says, and names what there is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from tests import markdown
from tests.markdown import PAGES, ROOT

from belabox_metrics.config.keys import KEYS
from belabox_metrics.exposition.words import WORDS

OWN = "tests/machine/test_documentation.py"
# Pages that belong to a test which has all of their commands.
ELSEWHERE = {"fleet.md": "tests/fleet", "platforms.md": "tests/platforms", "security.md": "tests/platforms"}
by_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


def leads_to(path: Path, link: str) -> tuple[Path, str]:
    place, _, anchor = link.partition("#")
    return (path.parent / place).resolve() if place else path, anchor


@by_page
def test_links_lead_somewhere(path: Path) -> None:
    for link in markdown.links(path.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        target, anchor = leads_to(path, link)
        assert target.exists(), link
        assert not anchor or anchor in markdown.anchors(target.read_text()), link


def test_every_page_is_found_from_the_first_one() -> None:
    seen: set[Path] = set()
    ahead = [PAGES[0]]
    while ahead:
        path = ahead.pop()
        if path in seen:
            continue
        seen.add(path)
        if path.suffix == ".md":
            links = [link for link in markdown.links(path.read_text()) if ":" not in link]
            ahead += [leads_to(path, link)[0] for link in links]
    files = {path for path in (ROOT / "docs").iterdir() if path.is_file()}
    # The manual is installed, not linked.
    assert {path for path in files - seen if path.suffix != ".1"} == set()


@by_page
def test_tables_have_as_many_cells_in_each_row(path: Path) -> None:
    for table in markdown.rows(path.read_text()):
        assert len(table) > 2, table
        assert all(re.fullmatch(r" *:?-+:? *", cell) for cell in table[1]), table[1]
        assert {len(row) for row in table} == {len(table[0])}, [row for row in table if len(row) != len(table[0])]


@by_page
def test_commands_are_run_by_a_test_or_say_why_not(path: Path) -> None:
    for fence in markdown.fences(path.read_text()):
        if fence.language not in markdown.SHELL or markdown.is_of_the_tests(fence):
            continue
        # Of CONTRIBUTING: test_contributing.py follows it.
        if fence.mark.startswith("walked: "):
            continue
        run_by = re.fullmatch(r"run by (\S+)", fence.mark)
        assert path.name in ELSEWHERE or run_by or re.fullmatch(r"not run: .+", fence.mark) or is_run(path), fence
        assert not run_by or (ROOT / run_by[1]).exists(), fence.mark


def is_run(path: Path) -> bool:
    """Whether the machine test has all unmarked commands of the page."""
    return f'"{path.relative_to(ROOT)}"' in (ROOT / OWN).read_text()


PATH_OF_OURS = re.compile(r"(?:lib|jobs|tests|docs|configs|units)/[\w./@-]*[\w@-]/?")


@by_page
def test_files_of_the_repository_that_are_named_exist(path: Path) -> None:
    made = {fence.mark.partition(": ")[2] for fence in markdown.fences(path.read_text())}
    for found in markdown.code(path.read_text()):
        if found in made or not PATH_OF_OURS.fullmatch(found):
            continue
        # What a run leaves behind is named too; and tests/unit may be meant by its folder.
        assert (ROOT / found).exists() or found.startswith("tests/browser/screenshots"), found


def keys() -> set[str]:
    found = {key.path for key in KEYS}
    return found | {key.rpartition(".")[0] for key in found}


@by_page
def test_keys_of_the_configuration_that_are_named_exist(path: Path) -> None:
    known = keys()
    first = {key.split(".")[0] for key in known} - {"metrics", "alerts", "logging"}
    for found in markdown.code(path.read_text()):
        if re.fullmatch(r"[a-z]+(\.[a-z_0-9]+)+", found) and found.split(".")[0] in first:
            # A series may begin like a section: storage.metrics_pending_upload.
            assert found in known or found in WORDS or importable(found), found


def importable(found: str) -> bool:
    """`health.py` is a file."""
    return found.endswith((".py", ".md", ".db", ".yaml"))


@by_page
def test_series_that_are_named_exist(path: Path) -> None:
    """By their first word, which is also that of the metrics."""
    for found in markdown.code(path.read_text()):
        if re.fullmatch(r"(cpu|memory|disk|network|srt|stream|encoder|modem|hdmi|gpu|npu|fan|thermal)\.[a-z_]+", found):
            assert found in WORDS or found in metrics() or found in TEXTS, found


TEXTS = {"stream.event", "stream.event_text"}


def metrics() -> set[str]:
    page = (ROOT / "docs/metrics.md").read_text()
    return set(re.findall(r"^## `(.+)`$", page, re.MULTILINE)) | set(re.findall(r"^\| `(.+?)`", page, re.MULTILINE))


COMMAND = re.compile(r"(?:^|[;&|(] *|\$ |sudo )belabox-metrics ((?:-- )?[a-z_-]+)")


@by_page
def test_commands_that_are_named_exist(path: Path) -> None:
    cli = importlib.import_module("belabox_metrics.cli")
    text = path.read_text()
    said = [*markdown.code(text), *(line for fence in markdown.fences(text) for line in fence.text.splitlines())]
    for line in said:
        for word in COMMAND.findall(line):
            assert word in cli.COMMANDS or word.startswith("--"), line


@pytest.mark.parametrize(
    ("printed", "expected", "missing"),
    [
        ("a\nb 12.5 kB\nc", ["a", "b 3 kB"], []),
        ("all 28 that should be active", ["all 9 that should"], []),
        ("a", ["b"], ["b"]),
        ("b\na", ["a", "b"], ["b"]),
        ("a", ["a", "a"], ["a"]),
        ("x: refused (try later)", ["x: … later"], []),
        ("x: accepted", ["x: … refused"], ["x: … refused"]),
        ("(a.b)", ["(a-b)"], ["(a-b)"]),
        ("", ["a"], ["a"]),
    ],
)
def test_what_is_missing_of_what_a_command_is_said_to_print(
    printed: str, expected: list[str], missing: list[str]
) -> None:
    assert markdown.missing(printed, expected) == missing


def test_a_console_is_commands_and_what_each_prints() -> None:
    (fence,) = markdown.fences("## Title\n\n<!-- why -->\n```console\n$ a | b\none\n…\ntwo\n$ c\n```\n")
    assert (fence.heading, fence.language, fence.mark) == ("Title", "console", "why")
    assert markdown.steps(fence) == [("a | b", ["one", "two"]), ("c", [])]
