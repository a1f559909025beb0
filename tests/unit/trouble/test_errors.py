"""An error that the kernel gives once, at one call: told in a line, and not taken for more than it is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .box import PYTHON, ROOT, Box, struck
from .test_damage import fold_log, zeros_at_the_head

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

SETTINGS = "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'settings'"
HINT = "journalctl -k tells of a disk that fails; else install again"


@pytest.mark.parametrize("when", ["1", "1+"])
def test_what_nobody_hears_is_stored_and_no_failure(box: Box, when: str) -> None:
    before = box.sql("SELECT sum(runs_total) FROM jobs")
    done = box.job("collect.py", "memory.usage", before=struck("write", when))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert box.sql("SELECT sum(runs_total) - ? FROM jobs", *before[0]) == [(1,)]


def unread(call: str, *paths: Path | str) -> list[str]:
    """`call` fails, on these files, and on the byte code of modules among them."""
    modules = [Path(path) for path in paths if str(path).endswith(".py")]
    compiled = [
        module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc" for module in modules
    ]
    return struck(call, "1+", on=(*paths, *compiled))


@pytest.mark.parametrize("call", ["openat", "pread64,read"])
@pytest.mark.parametrize("job", [("collect.py", "memory.usage"), ("upload.py",), ("maintain.py",), ("clock.py",)])
def test_a_part_of_the_program_that_the_disk_does_not_give_is_told_in_a_line(
    box: Box, job: tuple[str, ...], call: str
) -> None:
    meaning = ROOT / "lib/belabox_metrics/store/meaning.py"
    done = box.job(*job, before=unread(call, box.database, meaning))
    name = job[0].removesuffix(".py")
    said = f"{meaning}: a part of the program can't be read: Input/output error ({HINT})"
    assert (done.returncode, done.stderr) == (1, f"belabox-metrics {name}: {said}\n")
    assert box.job(*job).returncode == 0


def test_a_part_that_the_disk_does_not_let_look_for_is_told_too(box: Box) -> None:
    """Python takes it as one that is missing."""
    meaning = ROOT / "lib/belabox_metrics/store/meaning.py"
    done = box.job("collect.py", "memory.usage", before=unread("openat,newfstatat,stat", box.database, meaning))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert "a part of the program can't be loaded: No module named 'belabox_metrics.store.meaning' (" in done.stderr


def test_that_is_told_where_the_part_that_tells_is_not_there_either(box: Box) -> None:
    journal = ROOT / "lib/belabox_metrics/journal.py"
    command = [*unread("read", journal), PYTHON, "-I", f"{ROOT}/jobs/cli.py", "collect", "memory.usage"]
    done = subprocess.run(command, env=box.environment, capture_output=True, text=True, check=False, timeout=120)
    said = f"{journal}: a part of the program can't be read: Input/output error ({HINT})"
    assert (done.returncode, done.stderr) == (1, f"belabox-metrics collect: {said}\n"), done.stderr


def test_a_failure_that_nobody_hears_has_its_exit_code(box: Box) -> None:
    done = box.job("collect.py", "no.such", before=struck("write", "1+"))
    assert (done.returncode, done.stderr) == (2, "")


def test_one_read_that_fails_is_not_taken_for_damage_by_who_looks_it_over(box: Box, tmp_path: Path) -> None:
    box.collect()
    trace = tmp_path / "trace"
    wanted = box.folder / "recover-wanted"
    wanted.touch()
    watched = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=pread64"]
    assert box.job("recover.py", before=watched).returncode == 0
    reads = len(re.findall("pread64", trace.read_text()))
    assert reads > 40
    for at in range(1, reads + 1, 12):
        wanted.touch()
        box.job("recover.py", before=struck("pread64", str(at)))
        assert box.aside() == [], at


def test_what_asks_for_the_job_and_cannot_be_removed_is_told_in_a_line(box: Box) -> None:
    fold_log(box)
    zeros_at_the_head(box)
    assert box.collect().returncode == 0
    done = box.job("recover.py", before=struck("unlink"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "recover-wanted: can't be removed" in done.stderr
    again = box.job("recover.py")
    assert (again.returncode, (box.folder / "recover-wanted").exists()) == (0, False), again.stderr


def test_a_table_of_settings_that_is_damaged_is_told_by_apply_in_a_line(box: Box, tmp_path: Path) -> None:
    fold_log(box)
    ((root, size),) = box.sql(SETTINGS)
    box.write((int(str(root)) - 1) * int(str(size)), b"\xa5" * int(str(size)))
    (tmp_path / "units").mkdir()
    command = [
        PYTHON,
        "-I",
        f"{ROOT}/jobs/apply.py",
        "--units",
        str(tmp_path / "units"),
        "--database",
        str(box.database),
    ]
    done = subprocess.run(command, env=box.environment, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "the database is damaged" in done.stderr


@pytest.mark.parametrize("call", ["unlink", "fsync", "link"])
def test_a_snapshot_that_cannot_be_finished_is_told_in_a_line(box: Box, tmp_path: Path, call: str) -> None:
    command = [*struck(call), PYTHON, "-I", f"{ROOT}/jobs/cli.py", "snapshot", str(tmp_path / "copy.db")]
    done = subprocess.run(command, env=box.environment, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert "copy.db: can't be written: Input/output error" in done.stderr
