"""The man page and the completion of bash: what the commands say, in a form that their readers accept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from belabox_metrics.cli import COMMANDS
from belabox_metrics.manual import completion, page
from belabox_metrics.manual.help import Argument, Help, read
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

ROOT = Path(__file__).parents[3]
CLI = ROOT / "jobs/cli.py"


def ours(*words: str | Path, **environment: str) -> str:
    command = ["/usr/bin/python3", "-I", CLI, *words]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("man") / "belabox-metrics.1"
    path.write_text(ours("_manual", "frame", ROOT / "docs/belabox-metrics.1"))
    return path


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bash") / "belabox-metrics"
    path.write_text(ours("_manual", "frame", ROOT / "configs/completion.bash"))
    return path


def test_roff_has_nothing_to_say(manual: Path) -> None:
    groff = shutil.which("groff")
    assert groff, "groff is missing: tests/run installs it"
    done = subprocess.run(
        [groff, "-ww", "-b", "-z", "-man", "-Kutf8", manual], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_shows_each_command_with_each_of_its_options(manual: Path) -> None:
    shown = subprocess.run(
        ["man", "-l", manual],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "400", "MAN_KEEP_FORMATTING": ""},
        check=True,
    ).stdout
    shown = re.sub(".\b", "", shown)
    for word in COMMANDS:
        section = re.search(rf"^   {word}\n(.*?)^(?:   \w|\w)", shown, re.MULTILINE | re.DOTALL)
        assert section, word
        wanted = set(re.findall(r"--[a-z-]+", ours(word, "--help"))) - {"--help"}
        assert wanted <= set(re.findall(r"--[a-z-]+", section[1])), word
    assert "@" not in shown


def test_no_line_of_a_help_becomes_a_request() -> None:
    told = Help("belabox-metrics x", [".so /etc/passwd", "'sp", "back\\slash\n  table"], [Argument("--a", ".b")], [])
    lines = page.section("x", told).split("\n")
    requests = [line.split()[0] for line in lines if line[:1] in (".", "'")]
    assert set(requests) == {".SS", ".B", ".PP", ".TP", ".nf", ".fi"}
    assert "back\\eslash" in lines


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("-o FILE, --output FILE", "\\fB\\-o\\fR \\fIFILE\\fR, \\fB\\-\\-output\\fR \\fIFILE\\fR"),
        ("--only {a,b,c}", "\\fB\\-\\-only\\fR \\fI{a,b,c}\\fR"),
        ("FILE", "\\fIFILE\\fR"),
    ],
)
def test_flags_are_bold_and_what_they_take_is_in_italics(name: str, shown: str) -> None:
    assert shown in page.section("x", Help("belabox-metrics x", [], [Argument(name, "it")], [])).split("\n")


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("usage: x\n\nDoes.\n\noptions:\n  -h, --help  show\n  --a FILE    first", ["-h, --help", "--a FILE"]),
        (
            "usage: x\n\nDoes.\n\noptions:\n  -o FILE, --output FILE\n                        into",
            ["-o FILE, --output FILE"],
        ),
        ("usage: x A\n\nDoes.\n\npositional arguments:\n  A     it\n\nbe bad:\n  --b   too", ["A", "--b"]),
        ("usage: x\n\nDoes.\n\n  --due  only", ["--due"]),
        ("usage: x\n\nNothing but words:\nand more of them.", []),
    ],
)
def test_a_help_is_taken_apart(text: str, arguments: list[str]) -> None:
    found = read(text)
    assert [argument.name for argument in found.arguments] == arguments
    assert all(argument.text for argument in found.arguments)
    assert found.paragraphs


def test_flags_and_what_they_take() -> None:
    argument = Argument("-o FILE, --output FILE", "into")
    assert (argument.flags, argument.takes) == (["-o", "--output"], "FILE")
    assert (Argument("--json", "").takes, Argument("FILE", "").flags) == ("", [])
    tables = completion.tables({"x": Help("", [], [Argument("--format {a,b}", "")], [])})
    assert "[x --format]='a b'" in tables


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "metrics.db")
    replace_settings(
        path, [(f"metrics/{name}", "interval_ms", 0, 1000) for name in ("cpu.usage", "cpu.frequency", "gpu")]
    )
    with Store(path).writing() as connection:
        connection.execute("INSERT INTO series VALUES (1, 0, 'cpu.usage_percent', '')")
        connection.execute("INSERT INTO sessions (id, start_time, status) VALUES ('1f00-abc', 1, 'active')")
    return path


def completed(script: Path, database: str, *words: str, folder: Path | None = None) -> list[str]:
    """What a real bash offers when TAB is pressed behind `words`, the last of which is under way."""
    asked = """
        load() { source "$1"; }  # as bash-completion does it: inside of a function
        load "$1"
        shift
        belabox-metrics() { /usr/bin/python3 -I "$CLI" "$@"; }
        COMP_WORDS=(belabox-metrics "$@")
        COMP_CWORD=$#
        _belabox_metrics
        ((${#COMPREPLY[@]})) && printf '%s\\n' "${COMPREPLY[@]}"
        complete -p belabox-metrics >&2
    """
    environment = {"PATH": os.environ["PATH"], "BELABOX_METRICS_DATABASE": database, "CLI": str(CLI)}
    done = subprocess.run(
        ["bash", "--norc", "-c", asked, "bash", script, *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        check=False,
    )
    assert done.stderr == "complete -F _belabox_metrics belabox-metrics\n"
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sta"], ["status"]),
        (["--v"], ["--version"]),
        (["status", "--j"], ["--json"]),
        (["verify", "--re"], ["--repair"]),
        (["collect", "cpu."], ["cpu.frequency", "cpu.usage"]),
        (["query", "cpu.usage"], ["cpu.usage", "cpu.usage_percent"]),
        (["report", "1f"], ["1f00-abc"]),
        (["export", "--format", ""], ["csv", "jsonl"]),
        (["export", "--metric", "g"], ["gpu"]),
        (["doctor", "--only", "d"], ["database", "disk"]),
        (["query", "cpu.usage", "--since", "1"], ["10m", "1h"]),
        (["sessions", "--since", "y"], ["yesterday"]),
        (["verify", "--since", "to"], ["today"]),
        (["check", "two"], ["two words.yaml"]),
        (["status", "--database", "two"], ["two words.yaml"]),
        (["nonsense", ""], []),
        (["nonsense", "--x"], []),
    ],
)
def test_bash_completes(script: Path, database: str, tmp_path: Path, words: list[str], offered: list[str]) -> None:
    (tmp_path / "two words.yaml").touch()
    assert sorted(completed(script, database, *words, folder=tmp_path)) == offered


def test_all_commands_are_offered(script: Path, database: str) -> None:
    assert set(completed(script, database, "")) == {*COMMANDS, "--help", "--version"}


@pytest.mark.parametrize(
    "name", ["cpu.$(touch pwned)", "cpu.`touch pwned`", "cpu.;touch pwned", "cpu.a b", "cpu.\n$HOME"]
)
def test_a_name_that_a_shell_would_act_on_is_not_offered(
    script: Path, database: str, tmp_path: Path, name: str
) -> None:
    """As a database that was taken over may have them, and one that somebody has broken into."""
    with Store(database).writing() as connection:
        connection.execute("INSERT INTO series VALUES (1, 1, ?, '')", (name,))
        connection.execute("INSERT INTO sessions (id, start_time, status) VALUES (?, 1, 'active')", (name,))
    assert sorted(completed(script, database, "query", "cpu.u", folder=tmp_path)) == ["cpu.usage", "cpu.usage_percent"]
    assert completed(script, database, "report", "", folder=tmp_path) == ["1f00-abc"]
    assert not (tmp_path / "pwned").exists()


def test_without_a_database_no_names_and_no_noise(script: Path, tmp_path: Path) -> None:
    assert completed(script, str(tmp_path / "none.db"), "collect", "") == []


def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
