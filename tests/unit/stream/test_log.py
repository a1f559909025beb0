"""Reading on in a real journal: everything once, whatever happened to it meanwhile."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from belabox_metrics.errors import NoData
from belabox_metrics.stream.log import LOOK_BACK_MS, MESSAGE, Log

from .conftest import BELAUI, BOOT, KERNEL, Entry, Journal, entry, now_ms, recorded, write_journal


def texts(log: Log) -> list[str]:
    return [line.text for line in log.lines()]


def test_a_recorded_stream_with_its_times(journal: Journal) -> None:
    root = journal([*recorded("journal-belaUI.jsonl"), *recorded("journal-kernel.jsonl")])
    lines = list(Log(root, "", 1_795_201_300_000).lines())
    assert len(lines) == 57
    assert (lines[0].wall_ms, lines[0].kernel, lines[0].text) == (1_795_201_280_029, False, "{")
    assert [line.kernel for line in lines].count(True) == 9


def test_each_run_goes_on_where_the_one_before_stopped(journal: Journal) -> None:
    root = journal([entry(n, f"line {n}") for n in range(10)])
    log = Log(root, "", now_ms(10))
    assert [line.text for line in itertools.islice(log.lines(), 4)] == [f"line {n}" for n in range(4)]
    log = Log(root, log.cursor, now_ms(99_999))
    assert texts(log) == [f"line {n}" for n in range(4, 10)]
    done = log.cursor
    log = Log(root, done, now_ms(99_999))
    assert texts(log) == []
    assert log.cursor == done
    assert not log.rotated


def test_only_belaui_and_the_kernel_are_read(journal: Journal) -> None:
    other = {**BELAUI, "_SYSTEMD_UNIT": "ssh.service"}
    pretender = {**other, "SYSLOG_IDENTIFIER": "belaUI"}
    root = journal([entry(1, "a", other), entry(2, "b", KERNEL), entry(3, "c", pretender), entry(4, "d")])
    assert texts(Log(root, "", now_ms(5))) == ["b", "d"]


@pytest.mark.parametrize("cursor", ["", "rubbish", "s=1;i=2", "\n", "s=" + "f" * 40])
def test_without_a_cursor_what_happened_lately_is_read(journal: Journal, cursor: str) -> None:
    root = journal([entry(0, "old"), entry(100, "new")])
    assert texts(Log(root, cursor, now_ms(100) + LOOK_BACK_MS - 1)) == ["new"]


def test_a_rotated_journal_goes_on_with_what_is_left(tmp_path: Path, journal: Journal) -> None:
    root = journal([entry(n, f"line {n}") for n in range(5)])
    log = Log(root, "", now_ms(5))
    next(iter(log.lines()))
    for file in tmp_path.glob("var/log/journal/*/*.journal"):
        file.unlink()
    write_journal(tmp_path, [entry(n, f"line {n}") for n in range(8, 10)], "system-later")
    log = Log(root, log.cursor, now_ms(99_999))
    assert log.rotated
    assert texts(log) == ["line 8", "line 9"]
    log = Log(root, log.cursor, now_ms(99_999))
    assert texts(log) == []
    assert not log.rotated


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"\xff\xfe\x00 binary", "\\xff\\xfe\x00 binary"),
        ("two\nlines", "two\nlines"),
        (b"x" * 100_000, "x" * MESSAGE),
        ("åäö", "åäö"),
    ],
    ids=["bytes", "lines", "long", "unicode"],
)
def test_a_message_that_is_no_plain_line(journal: Journal, message: str | bytes, text: str) -> None:
    found = texts(Log(journal([entry(1, message), entry(2, "next")]), "", now_ms(3)))
    # The field's name counts towards the length at which the journal cuts it.
    assert found[0] == text[: len(found[0])]
    assert len(found[0]) >= min(len(text), MESSAGE - len("MESSAGE="))
    assert found[1] == "next"


def test_an_entry_without_a_message_is_passed_over(journal: Journal) -> None:
    silent = entry(1, "")
    del silent["MESSAGE"]
    assert texts(Log(journal([silent, entry(2, ""), entry(3, "next")]), "", now_ms(4))) == ["next"]


def test_no_journal_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(NoData, match="no journal"):
        Log(str(tmp_path), "", 0)


def test_a_file_that_is_no_journal_does_not_crash(tmp_path: Path, journal: Journal) -> None:
    root = journal([entry(1, "whole")])
    broken = next(tmp_path.glob("var/log/journal/*")) / "system-broken.journal"
    broken.write_bytes(b"LPKSHHRH" + b"\xff" * 5000)
    assert texts(Log(root, "", now_ms(2))) == ["whole"]


def test_an_entry_of_before_the_clock_was_set_is_as_long_ago_as_it_is(tmp_path: Path, journal: Journal) -> None:
    """A board without a battery: it began in the past, and was set when its first link was up. What is of another boot
    has the time that it was given."""
    this = "11112222333344445555666677778888"
    boot_id = tmp_path / "proc/sys/kernel/random/boot_id"
    boot_id.parent.mkdir(parents=True)
    boot_id.write_text("11112222-3333-4444-5555-666677778888\n")
    since_boot_us = time.monotonic_ns() // 1000

    def early(name: str, ago_s: int, boot: str) -> Entry:
        at = {"__MONOTONIC_TIMESTAMP": str(since_boot_us - ago_s * 1_000_000), "_BOOT_ID": boot}
        return {**entry(-200 * 86_400 - ago_s, name), **at}

    root = journal([early("other", 40, BOOT)])
    journal([early("first", 30, this), early("last", 4, this), {**entry(99, "set"), "_BOOT_ID": this}])
    log = Log(root, "", now_ms(100))
    log._reader.seek_head()
    ago_s = {line.text: (now_ms(100) - line.wall_ms) / 1000 for line in log.lines()}
    assert ago_s.pop("other") == 200 * 86_400 + 140
    assert ago_s == {"first": pytest.approx(30, abs=5), "last": pytest.approx(4, abs=5), "set": 1.0}
