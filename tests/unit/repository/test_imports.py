"""The rooms of docs/architecture.md: each imports what its row of the table allows, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = "belabox_metrics"
LIBRARY = ROOT / "lib" / PACKAGE
MODULES = {
    ".".join(path.relative_to(LIBRARY).with_suffix("").parts).replace("__init__", "").rstrip("."): path
    for path in LIBRARY.rglob("*.py")
}
ROOMS = sorted(path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists())
# The collectors whose source is the store.
READERS = {"collectors.meta", "collectors.stream_health"}


class Import(NamedTuple):
    """Modules by their names within the package; `lazy`: inside a function, so not when the module is loaded."""

    by: str
    of: str
    lazy: bool


def imports(module: str, text: str) -> Iterator[Import]:
    """What the text of a module imports of the package, but for types alone."""

    def within(node: ast.AST, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (Import(module, found, lazy) for found in named(node))
        lazy = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for child in ast.iter_child_nodes(node):
            yield from within(child, lazy)

    def named(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        else:
            package = [PACKAGE, *module.split(".")] if module else [PACKAGE]
            if MODULES[module].name != "__init__.py":
                package = package[:-1]
            place = ".".join([*package[: len(package) - node.level + 1], node.module or ""] if node.level else [])
            place = place.rstrip(".") or str(node.module)
            full = [f"{place}.{alias.name}" for alias in node.names]
        for name in full:
            first, _, rest = name.partition(".")
            if first != PACKAGE:
                continue
            # The last word may be a name within the module.
            yield rest if rest in MODULES else rest.rpartition(".")[0]

    return within(ast.parse(text), False)


ALL = [found for module, path in MODULES.items() for found in imports(module, path.read_text())]


def room(module: str) -> str:
    """ "" for a module that stands in no room."""
    first = module.partition(".")[0]
    return first if first in ROOMS else ""


def rows() -> dict[str, tuple[set[str], set[str]]]:
    """By the first cell of each row: the names in its second and in its third; a cell left empty is the one above."""
    found, last = {}, ""
    for line in (ROOT / "docs/architecture.md").read_text().splitlines():
        cells = [set(re.findall(r"`([^`]+)`", cell)) for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and any(cells):
            last = " ".join(cells[0]) or f"{last}, more"
            found[last] = (cells[1], {name.rstrip("/").replace("/", ".") for name in cells[2]})
    return found


ROWS = rows()
SHARED = f"lib/{PACKAGE}/*.py"


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_what_its_row_allows(name: str) -> None:
    _, allowed = ROWS[f"lib/{PACKAGE}/{name}/"]
    assert allowed <= {*MODULES, *ROOMS}, "the row names what is not there"
    used = set()
    for found in ALL:
        # The package itself holds the version.
        if room(found.by) == name != room(found.of) and found.of:
            fits = {found.of, room(found.of)} & allowed
            assert fits, f"{found.by} imports {found.of}"
            used |= fits
    assert used == allowed, "the row allows what nobody needs"


def test_what_all_rooms_share_imports_no_room() -> None:
    programs, _ = ROWS[SHARED]
    waker, stores = ROWS[f"{SHARED}, more"]
    assert programs < set(MODULES)
    for found in ALL:
        if not room(found.by) and room(found.of) and found.by not in programs:
            assert found.by in waker, f"{found.by} imports {found.of}"
            assert room(found.of) in stores, f"{found.by} imports {found.of}"


def test_only_collectors_whose_source_is_the_store_import_it() -> None:
    assert {found.by for found in ALL if room(found.by) == "collectors" and room(found.of) == "store"} == READERS


def test_no_module_is_loaded_by_what_it_loads() -> None:
    loads: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in ALL:
        if not found.lazy:
            loads[found.by].add(found.of)
    # What loads nothing that is left is taken away, until nothing changes.
    while done := {module for module, others in loads.items() if not others & set(loads)}:
        loads = {module: others for module, others in loads.items() if module not in done}
    assert not loads


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from ..store import runs", [("store.runs", False)]),
        ("from ..store.runs import add", [("store.runs", False)]),
        ("def f():\n    from .. import clock", [("clock", True)]),
        ("import belabox_metrics.store.runs", [("store.runs", False)]),
        ("from belabox_metrics.store import runs", [("store.runs", False)]),
        ("from . import gpu", [("collectors.gpu", False)]),
        ("from .. import __version__", [("", False)]),
        ("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from ..store import runs", []),
        ("import os\nfrom time import sleep", []),
    ],
)
def test_every_way_to_import_is_seen(text: str, expected: list[tuple[str, bool]]) -> None:
    assert [(found.of, found.lazy) for found in imports("collectors.fan", text)] == expected
