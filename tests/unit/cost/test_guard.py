"""What a sample costs, guarded without a clock: modules loaded, syncs, pages written, files opened."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BOX = ROOT / "tests/fixtures/orangepi5plus"
STATISTICS = ROOT / "tests/fixtures/srt-live-transmit/rx-stats-loss2pct.json"
# What the units name.
PYTHON = "/usr/bin/python3"
METRICS = ["cpu.temperature", "cpu.usage", "memory.usage", "disk.io", "network.traffic", "srt.packet_loss"]
# These ask programs of the box. Their fixture has scripts in their place.
ASKING = ["hdmi.input", "modem"]
METRICS += ["encoder", *ASKING]
# Of those that are alike one stands for all: many small files of /sys, a system call, a line of /proc.
METRICS += ["fan", "disk.usage", "io.wait"]
METRICS += ["stream.session", "stream.events", "stream.links", "stream.health"]
# In C, or of a few lines. Whoever adds to this has measured: tests/bench/run process.
ALLOWED = {"__future__", "_functools", "_json", "_sqlite3", "errno", "fcntl", "time", "zlib"}
ALLOWED |= {"systemd", "systemd._journal"}  # the record, where there is a journal
NETWORK = {"_socket", "_thread"}  # the one collector whose source is elsewhere
# What the journal's reader asks for; 2 ms, and the only way to a journal without starting a program.
JOURNAL = {"systemd._reader", "datetime", "_datetime", "operator", "_operator", "math"}
PROGRAM = {"_sha2", "_sha256", "select"}  # the second is the first before Python 3.12; nothing to load, like the third
# A run dirties its table's last page and its job's row; now and then a new page begins or one splits.
PAGES = 6
PAGES_MEDIAN = 3
FRAME = 24 + 1024
RUNS = 12


class Installed:
    """A copy of the product with byte code, as install.sh makes it, and a box it has already collected from."""

    def __init__(self, folder: Path, *broken: tuple[str, str]) -> None:
        self.folder = folder
        for name in ("lib", "jobs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for file, line in broken:
            path = folder / "lib/belabox_metrics" / file
            path.write_text(path.read_text().replace("\nMETRIC =", f"\n{line}\nMETRIC =", 1))
        subprocess.run([PYTHON, "-I", "-m", "compileall", "-q", folder / "lib"], check=True)
        self.config = folder / "config.yaml"
        source = f"- name: srt.packet_loss\n    config: {{file: '{STATISTICS}', stale_after: 999999h}}\n   "
        said = (ROOT / "configs/config.yaml").read_text().replace("- name: srt.packet_loss", source)
        self.config.write_text(re.sub(r"(?m)^    +(# .*)$", r"    \1", said))
        self.database = folder / "metrics.db"
        self.environment = {
            "BELABOX_METRICS_CONFIG": str(self.config),
            "BELABOX_METRICS_DATABASE": str(self.database),
            "BELABOX_METRICS_ROOT": str(BOX),
            "JOURNAL_STREAM": "1:1",
        }

    def run(self, door: str, *arguments: str, before: tuple[str, ...] = (), options: tuple[str, ...] = ()) -> str:
        """Standard error of a job; `before` is what it is run by, `options` are the interpreter's."""
        command = [*before, PYTHON, "-I", "-S", *options, str(self.folder / "jobs" / door), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def loaded(self, metric: str) -> set[str]:
        """The modules a collection imports beyond what the interpreter does by itself and beyond our own."""
        said = self.run("collect.py", metric, options=("-X", "importtime"))
        return {name for name in imports(said) - bare() if name.partition(".")[0] != "belabox_metrics"}

    def traced(self, *command: str) -> list[str]:
        """The system calls that name or change a file."""
        log = self.folder / "trace"
        calls = "open,openat,fsync,fdatasync,sync,syncfs,sync_file_range,msync,unlink,unlinkat,write,pwrite64"
        self.run(*command, before=("strace", "-f", "-y", "-o", str(log), "-e", f"trace={calls}"))
        return [line for line in log.read_text(errors="replace").splitlines() if "(" in line]


def imports(said: str) -> set[str]:
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", said, re.MULTILINE))


def bare() -> set[str]:
    command = [PYTHON, "-I", "-S", "-X", "importtime", "-c", "pass"]
    return imports(subprocess.run(command, capture_output=True, text=True, check=True).stderr)


def syncs(calls: list[str]) -> list[str]:
    return [line for line in calls if re.search(r" (f?sync|fdatasync|syncfs|sync_file_range|msync|unlink\w*)\(", line)]


def pages(calls: list[str]) -> int:
    """Pages appended to the write-ahead log, and written into the database past it."""
    written = [re.search(r"pwrite64\(\d+<[^>]*/metrics\.db(-wal)?>.* = (\d+)$", line) for line in calls]
    return sum(int(found[2]) for found in written if found) // FRAME


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    copy = Installed(tmp_path_factory.mktemp("installed"))
    # The first makes the database and decides about names of devices; the second has something to compare with.
    for _ in range(2):
        for metric in METRICS:
            copy.run("collect.py", metric)
    return copy


@pytest.mark.parametrize("metric", METRICS)
def test_a_collection_loads_nothing_that_is_not_allowed(installed: Installed, metric: str) -> None:
    loaded = installed.loaded(metric)
    extra = {"srt.packet_loss": NETWORK, "stream.events": JOURNAL, **dict.fromkeys(ASKING, PROGRAM)}.get(metric, set())
    assert loaded <= ALLOWED | extra
    assert "_sqlite3" in loaded


@pytest.mark.parametrize("metric", ["memory.usage", "cpu.temperature"])
def test_alerts_and_what_follows_from_them_cost_nothing_while_all_is_well(tmp_path: Path, metric: str) -> None:
    copy = Installed(tmp_path)
    copy.run("collect.py", metric)
    when_raised = {f"belabox_metrics.{name}" for name in ("alert", "event", "announce", "wake", "store.events")}
    assert not imports(copy.run("collect.py", metric, options=("-X", "importtime"))) & when_raised
    # It reads its settings again where there are none.
    copy.config.write_text(copy.config.read_text().replace("above: ", "above: -").replace("below: ", "below: 1000000"))
    for path in tmp_path.glob("metrics.db*"):
        path.unlink()
    copy.run("collect.py", "disk.io")
    told = copy.run("collect.py", metric, options=("-X", "importtime"))
    assert when_raised - {"belabox_metrics.wake"} <= imports(told)


@pytest.mark.parametrize("module", ["requests", "json", "os", "functools"])
def test_the_guard_goes_red(tmp_path: Path, module: str) -> None:
    """Else the test above would prove nothing."""
    line = f"from ..distribution import make_importable\nmake_importable()\nimport {module}"
    copy = Installed(tmp_path, ("collectors/memory_usage.py", line))
    copy.run("collect.py", "memory.usage")
    assert module in copy.loaded("memory.usage") - ALLOWED


@pytest.mark.parametrize("metric", METRICS)
def test_a_collection_syncs_nothing_and_writes_few_pages(installed: Installed, metric: str) -> None:
    counts = []
    for _ in range(RUNS):
        calls = installed.traced("collect.py", metric)
        assert syncs(calls) == []
        counts.append(pages(calls))
    assert max(counts) <= PAGES
    assert sorted(counts)[RUNS // 2] <= PAGES_MEDIAN
    assert min(counts) >= 1


def test_who_tidies_up_pays_the_syncs_of_the_next_as_well(installed: Installed) -> None:
    assert syncs(installed.traced("maintain.py"))
    # SQLite makes the first writer after a checkpoint sync; that was the maintaining job itself.
    assert syncs(installed.traced("collect.py", "memory.usage")) == []


@pytest.mark.parametrize("metric", METRICS)
def test_a_collection_does_not_open_the_configuration(installed: Installed, metric: str) -> None:
    calls = installed.traced("collect.py", metric)
    assert [line for line in calls if "config.yaml" in line] == []
    # And it was looked for in the right place: without compiled settings it is opened.
    assert any(str(installed.database) in line for line in calls)


def test_a_database_without_settings_shows_what_the_slow_way_looks_like(tmp_path: Path) -> None:
    copy = Installed(tmp_path)
    calls = copy.traced("collect.py", "memory.usage")
    assert [line for line in calls if "config.yaml" in line]
