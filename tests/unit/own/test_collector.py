from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.errors import NoData, SourceProblem, TryLater
from belabox_metrics.own import collector
from belabox_metrics.sample import Sample
from belabox_metrics.world import Reading, World

if TYPE_CHECKING:
    from .conftest import Install

PAGE = Path(__file__).parents[3] / "docs/own-metrics.md"


def collect(root: Path, name: str = "program", state: str = "", timeout: int = 10_000) -> Reading:
    return collector.collect(World(str(root), {"exec": name, "timeout": timeout}, state))


def test_what_it_prints_is_collected(tmp_path: Path, install: Install) -> None:
    install("program", "echo 'room.temperature{room=\"k\"} 21.5'; echo '# done'; echo noise >&2; echo room.people 3")
    reading = collect(tmp_path)
    assert reading.samples == [Sample("room.temperature", 21.5, {"room": "k"}), Sample("room.people", 3)]
    assert (reading.warnings, reading.state, reading.events) == ([], "", [])


def test_lines_that_are_wrong_are_told_once(tmp_path: Path, install: Install) -> None:
    path = install("program", "echo a 1; echo b much; echo cpu.x 1")
    reading = collect(tmp_path)
    assert [sample.name for sample in reading.samples] == ["a"]
    (warning,) = reading.warnings
    assert warning.startswith(f"{path}: line 2: 'much' is not a number")
    assert "; line 3: 'cpu.x' begins with cpu" in warning
    again = collect(tmp_path, state=reading.state)
    assert again.warnings == []
    install("program", "echo a 1; echo b more")
    assert len(collect(tmp_path, state=again.state).warnings) == 1
    install("program", "echo a 1")
    assert collect(tmp_path, state=again.state).state == ""


def test_of_many_wrong_lines_a_few_are_told(tmp_path: Path, install: Install) -> None:
    install("program", "echo a 1; yes '?' | head -n 1000")
    (warning,) = collect(tmp_path).warnings
    assert warning.count("line ") == 3
    assert warning.endswith("; and 997 more")


@pytest.mark.parametrize(
    ("script", "kind", "says"),
    [
        ("", NoData, "printed no values"),
        ("echo '# nothing today'", NoData, "printed no values"),
        ("echo a 1; echo 'no sensor' >&2; exit 3", SourceProblem, "program: failed: no sensor"),
        ("exit 3", SourceProblem, "program: failed: ended with exit code 3"),
        ("kill -KILL $$", SourceProblem, "program: failed: was ended by signal 9"),
        ("echo b much", SourceProblem, "program: line 1: 'much' is not a number"),
        ("yes a 1", SourceProblem, "program: prints more than 65536 bytes"),
        ("yes >&2", SourceProblem, "program: prints more than 65536 bytes"),
        ("printf '\\377\\001\\000\\200'; head -c 3000 /bin/sh", SourceProblem, "program: line 1: "),
        ("#!/no/such/interpreter\n", SourceProblem, "program: can't be started: No such file"),
    ],
)
def test_a_program_that_gives_nothing_to_store(
    script: str, kind: type[Exception], says: str, tmp_path: Path, install: Install
) -> None:
    install("program", script)
    with pytest.raises(kind) as caught:
        collect(tmp_path)
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


def test_one_that_is_not_there(tmp_path: Path, install: Install) -> None:
    install("program", "")
    with pytest.raises(SourceProblem, match="other: can't be started: No such file"):
        collect(tmp_path, "other")


def test_one_that_hangs_is_ended_with_all_it_started(tmp_path: Path, install: Install) -> None:
    started = tmp_path / "child"
    install("program", f"sleep 1000 & echo $! > {started}; wait")
    # On a busy machine it is killed before it has got so far, and tried once more.
    for timeout_ms in (300, 5_000, 50_000):
        with pytest.raises(TryLater, match="did not end in time"):
            collect(tmp_path, timeout=timeout_ms)
        if started.exists() and started.read_text().strip():
            break
    # It was killed, and dies when the kernel comes to it.
    deadline = time.monotonic() + 60
    while _lives(started):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _lives(started: Path) -> bool:
    try:
        return Path(f"/proc/{started.read_text().strip()}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_has_no_more_time_than_its_unit(tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "LONGEST_MS", 200)
    install("program", "sleep 1000")
    with pytest.raises(TryLater):
        collect(tmp_path, timeout=10**9)


def test_the_example_of_the_page(tmp_path: Path, install: Install) -> None:
    """Word for word, but for where the kernel's table is."""
    block = re.search(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block
    text = re.sub(r"(?m)^   ", "", block[1])
    table = tmp_path / "udp"
    table.write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        " 1432: 00000000:2328 00000000:0000 07 00000000:00000A00 00:00000000 00000000     0        0 52301 2 0 0\n"
        " 1433: 0202000A:D9A5 00000000:0000 07 00000300:00000000 00:00000000 00000000     0        0 52302 2 0 0\n"
    )
    install("udp-sockets", text)
    assert collector.collect(World(str(tmp_path), {"exec": "udp-sockets", "timeout": 10_000})).warnings == []
    install("udp-sockets", text.replace("/proc/net/udp", str(table)))
    assert collect(tmp_path, "udp-sockets").samples == [
        Sample("udp.sockets", 2),
        Sample("udp.queued_bytes", 768, {"direction": "out"}),
        Sample("udp.queued_bytes", 2560, {"direction": "in"}),
    ]
