"""What docs/platforms.md says of a walk."""

from __future__ import annotations

from .outcome import Part, Row
from .page import results

STEP = "install by the script"


def part(name: str, about: str, *rows: Row) -> Part:
    return Part(name, about, "2026-11-21", "abcdef0", rows)


def test_systems_stand_side_by_side_the_oldest_first() -> None:
    made = results(
        [
            part("bookworm", "Debian 12: systemd 252", Row(STEP, "ok", 1.4, ""), Row("tests", "ok", 9, "12 passed")),
            part("bullseye", "Debian 11: systemd 247", Row(STEP, "ok", 2.6, ""), Row("tests", "ok", 9, "12 passed")),
        ]
    )
    assert "|  | Debian 11 | Debian 12 |" in made
    assert f"| {STEP} | ok, 3 s | ok, 1 s |" in made
    assert "- tests: 12 passed (everywhere)" in made
    assert "- Debian 11: systemd 247; 2026-11-21, commit abcdef0" in made


def test_what_failed_and_what_came_not_to_be_tried() -> None:
    failed = Row(STEP, "failed", 3, "no samples | <within> 60 s")
    made = results(
        [
            part("bookworm", "Debian 12", failed),
            part("trixie", "Debian 13", Row(STEP, "ok", 1, ""), Row("look", "ok", 2, "")),
        ]
    )
    assert f"| {STEP} | failed, 3 s | ok, 1 s |" in made
    assert "| look | not tried | ok, 2 s |" in made
    assert f"- {STEP}: no samples \\| &lt;within> 60 s (Debian 12)" in made


def test_the_commands_of_the_pages_are_a_table_of_every_system() -> None:
    made = results(
        [
            part("pages-bookworm", "Debian 12", Row("Debian 12", "failed", 9, "1 failed")),
            part("pages-bullseye", "Debian 11", Row("Debian 11", "ok", 9, "26 passed")),
        ]
    )
    assert made.splitlines()[-2:] == [
        "| Debian 11 | ok | 9 | 26 passed | 2026-11-21, commit abcdef0 |",
        "| Debian 12 | failed | 9 | 1 failed | 2026-11-21, commit abcdef0 |",
    ]


def test_every_other_part_has_a_table_of_its_own() -> None:
    made = results([part("arm64", "under qemu-user", Row("unit tests", "not had", 0.1, "no qemu"))])
    assert "### arm64\n\nunder qemu-user. 2026-11-21, commit abcdef0." in made
    assert "| unit tests | not had | 0.1 | no qemu |" in made
    assert "Each system" not in made
