"""Ten times the rows take ten times as long, not a hundred, and no more memory."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import DATABASES, PYTHON, ROOT, Box

WHOLE = ROOT / "tests/unit/takeover/whole.py"
SAME = "metric_name, metric_value, value_text, value_type, tags, session_id, device_id"
# The rows of a fixture again, two minutes later each time: of the second, the first hundred minutes were sent.
COLUMNS = {
    "go-v1.sql": (28, "NULL, timestamp + ? * 120000, metric_name, metric_value, device_id"),
    "go-v2.sql": (88, f"NULL, timestamp_ms + ?1 * 120000, {SAME}, ?1 < 50, priority, dedup_key || ?1"),
}
KIB = 6 * 1024


def fill(box: Box, script: str, rows: int) -> None:
    ids, columns = COLUMNS[script]
    connection = sqlite3.connect(box.path)
    connection.executescript(f"PRAGMA synchronous=OFF; {(DATABASES / script).read_text()}")
    query = f"INSERT INTO metrics SELECT {columns} FROM metrics WHERE id <= {ids}"
    connection.executemany(query, [(time,) for time in range(1, rows // ids)])
    connection.commit()
    connection.close()


def cost(box: Box) -> tuple[float, int]:
    """Seconds of CPU and KiB of memory of the whole way, in a process of its own."""
    program = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL);"
    program += "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
    program += "print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
    told = subprocess.run(
        [sys.executable, "-c", program, *PYTHON, str(WHOLE), str(box.path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout.split()
    return float(told[0]), int(told[1])


@pytest.mark.parametrize("script", sorted(COLUMNS))
def test_it_grows_with_the_rows_and_no_faster(tmp_path: Path, script: str) -> None:
    costs = []
    for rows in (3_000, 30_000):
        (tmp_path / str(rows)).mkdir()
        box = Box(tmp_path / str(rows))
        fill(box, script, rows)
        costs.append(cost(box))
        assert box.kept() == []
    (small_s, small_kib), (large_s, large_kib) = costs
    assert large_s < 12 * small_s
    # A batch and what names it, whatever the length of the table.
    assert large_kib < small_kib + KIB
