"""What a collector's process loads is what a sample costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIB = Path(__file__).parents[3] / "lib"
# In C or of a few lines. `os` is not among them: it costs a millisecond. (The whole process: tests/unit/cost.)
ALLOWED = {"__future__", "errno", "zlib", "time", "_json"}
COLLECTORS = [
    "cpu_temperature",
    "cpu_usage",
    "memory_usage",
    "disk_io",
    "network_traffic",
    "encoder",
    "hdmi_input",
    "modem",
    "audio",
    "cpu_frequency",
    "disk_usage",
    "fan",
    "gpu",
    "io_wait",
    "system_load",
    "system_uptime",
    "thermal_throttle",
    "srt_packet_loss",
]

SCRIPT = """
import sys
before = set(sys.modules)
sys.path.insert(0, {lib!r})
from belabox_metrics.collectors import {name} as collector
from belabox_metrics.world import World, defaults
settings = defaults(collector.SETTINGS)
settings.update({settings!r})
state = {state!r}
{now}
try:
    reading = collector.collect(World({root!r}, settings, state, 10_000, now_ms))
    state = reading.state
    from belabox_metrics.sample import canonical
    for sample in reading.samples:
        canonical(sample.tags)
except Exception as fault:
    print("!", type(fault).__name__, fault)
print("=" + repr(state))
print(*sorted(name for name in set(sys.modules) - before if not name.startswith("belabox_metrics")))
"""


def run(
    name: str, root: str, state: str = "", settings: dict[str, object] | None = None, now: str = "None"
) -> tuple[str, set[str]]:
    """(state, modules loaded) of one collection in a new interpreter."""
    script = SCRIPT.format(
        lib=str(LIB), name=name, root=root, state=state, settings=settings or {}, now=f"now_ms = {now}"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    assert "!" not in done.stdout, done.stdout
    left, modules = done.stdout.splitlines()
    return str(eval(left[1:])), set(modules.split())


@pytest.mark.parametrize("name", COLLECTORS)
def test_importing_a_collector(name: str) -> None:
    script = f"import sys; before = set(sys.modules); sys.path.insert(0, {str(LIB)!r})\n"
    script += f"import belabox_metrics.collectors.{name}\nprint(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    loaded = {module for module in done.stdout.split() if not module.startswith("belabox_metrics")}
    assert loaded <= ALLOWED | {"_socket", "_thread", "select"}


@pytest.mark.parametrize("name", COLLECTORS[:-1])
def test_a_collection_from_the_second_on(name: str, box: str) -> None:
    state, _ = run(name, box)
    _, loaded = run(name, box, state)
    assert loaded <= ALLOWED | ({"select", "_sha256", "_sha2"} if name in ("hdmi_input", "modem") else set())


@pytest.mark.parametrize("name", ["disk_io", "network_traffic"])
def test_the_first_one_pays_for_patterns(name: str, box: str) -> None:
    """So that the test above can fail."""
    assert "re" in run(name, box)[1]


@pytest.mark.parametrize(
    "file", ["srt-live-transmit/rx-stats-loss2pct.json", "srtla-telemetry/ceralive-stats-file.json"]
)
def test_statistics_from_a_file(file: str, fixtures: Path) -> None:
    path = fixtures / file
    now = str(path.stat().st_mtime_ns // 1_000_000)
    _, loaded = run("srt_packet_loss", "", settings={"file": str(path)}, now=now)
    assert loaded <= ALLOWED | {"_socket"}
