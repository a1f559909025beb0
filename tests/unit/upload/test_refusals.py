"""What the server does not want: one sample, everything, or everything for a while."""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path

import pytest

from belabox_metrics import journal
from belabox_metrics.store import flights

from .box import Box, Handler, Remote, plain, status


def refuses(remote: Remote, code: int, *words: str) -> None:
    """The server answers `code` to every body with one of `words` in it."""

    def answer(handler: Handler) -> None:
        body = plain(remote.requests[-1][1]).decode()
        bad = [word for word in words if word in body]
        (status(code, f"cannot take {bad[0]}\nmore") if bad else status(204))(handler)

    remote.answer = answer


@pytest.mark.parametrize("code", [400, 413, 422])
def test_the_bad_sample_is_set_aside_and_the_rest_flows(tmp_path: Path, remote: Remote, code: int) -> None:
    box = Box(tmp_path, remote.url, chunk_size=50)
    for number in range(8):
        box.sample(2, "good", count=5)
        box.wait(1)
        box.sample(2, "bad" if number == 5 else "fine", count=5)
        box.wait(1)
    refuses(remote, code, '"bad","device_id":"box","at":"3"')
    assert box.upload() == 0
    assert box.sql("SELECT name, tags, status, reason FROM rejected") == [
        ("bad", '{"at":"3"}', code, 'cannot take "bad","device_id":"box","at":"3"')
    ]
    assert len(remote.arrived()) == len(set(remote.arrived())) == 79
    assert box.pending() == 0
    assert flights.under_way(box.store.connection()) == []
    assert box.sql("SELECT count(*) FROM metrics WHERE NOT uploaded") == [(1,)]
    # Halving finds one of eighty in log2(50) steps of two requests each, and some to spare.
    assert len(remote.requests) < 20


def test_a_bad_one_at_each_end_and_in_the_middle(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, chunk_size=1000)
    for name in ("bad1", *("good" for _ in range(7)), "bad2", *("good" for _ in range(7)), "bad3"):
        box.sample(2, name)
        box.wait(1)
    refuses(remote, 400, "bad")
    assert box.upload() == 0
    assert sorted(box.sql("SELECT name FROM rejected")) == [("bad1",), ("bad2",), ("bad3",)]
    assert len(remote.arrived()) == len(set(remote.arrived())) == 14
    assert box.pending() == 0


def test_what_was_set_aside_is_told_also_when_the_way_breaks_afterwards(
    tmp_path: Path, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the record of the failure, to which there was no answer, has no status."""
    box = Box(tmp_path, remote.url, chunk_size=1)
    for name in ("good", "bad", "late"):
        box.sample(2, name)
        box.wait(1)

    def hang_up(handler: Handler) -> None:
        handler.close_connection = True

    answers = iter([status(204), status(400, "no such thing"), hang_up])
    remote.answer = lambda handler: next(answers)(handler)
    assert box.upload() == 75
    aside, failed = capsys.readouterr().err.splitlines()
    assert "1 sample set aside" in aside
    assert "closed the connection without an answer" in failed
    assert "http_status" not in failed


@pytest.mark.parametrize("code", [400, 413, 422])
def test_a_server_that_refuses_everything_costs_few_requests_and_loses_nothing(
    tmp_path: Path, remote: Remote, code: int
) -> None:
    box = Box(tmp_path, remote.url, chunk_size=1000)
    for _ in range(20):
        box.sample(2, count=40)
        box.wait(1)
    remote.answer = status(code)
    for _ in range(4):
        assert box.upload() == 1
        assert box.pending() == 800
        box.wait(400)
    assert len(remote.requests) < 40
    assert box.sql("SELECT count(*) FROM rejected") == [(0,)]
    remote.answer = status(204)
    assert box.upload() == 0
    assert len(remote.arrived()) == len(set(remote.arrived())) == 800
    assert box.link().mode == "realtime"
    assert box.pending() == 0


def test_a_lone_bad_sample_waits_for_a_good_one_to_show_that_the_server_is_sane(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url)
    box.sample(2, "bad")
    refuses(remote, 400, "bad")
    assert box.upload() == 1
    assert box.pending() == 1
    box.wait(400)
    box.sample(2, "good")
    assert box.upload() == 0
    assert box.sql("SELECT name FROM rejected") == [("bad",)]
    assert box.pending() == 0


def test_what_showed_that_the_server_is_sane_is_not_sent_again(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, chunk_size=1)
    for name in ("bad", "good"):
        box.sample(2, name)
        box.wait(1)
    refuses(remote, 400, "bad")
    assert box.upload() == 0
    assert (box.sql("SELECT name FROM rejected"), box.pending()) == ([("bad",)], 0)
    box.wait(60)
    assert box.upload(everything=True) == 0
    assert len(remote.arrived()) == 1


@pytest.mark.parametrize("code", [401, 403, 404, 405, 301])
def test_what_a_person_must_mend_is_kept_and_asked_for_seldom(tmp_path: Path, remote: Remote, code: int) -> None:
    box = Box(tmp_path, remote.url, retry__jitter_percent=0)
    box.sample(0)
    remote.answer = status(code)
    assert box.upload() == 1
    box.wait(299)
    box.sample(0)
    assert box.upload() == 0
    assert len(remote.requests) == 1
    box.wait(2)
    assert box.upload() == 1
    assert len(remote.requests) == 2
    link = box.link()
    assert (link.status, link.failures) == (code, 2)
    assert str(code) in link.error
    remote.answer = status(204)
    assert box.upload(everything=True) == 0
    assert box.pending() == 0
    assert (box.link().error, box.link().failures) == ("", 0)


def http_date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


@pytest.mark.parametrize(
    ("code", "value", "waits_s"),
    [
        (503, "120", 120),
        (429, "120", 120),
        (503, http_date(1_700_000_000 + 90), 90),
        (503, time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(1_700_000_090)), 90),
        (503, time.asctime(time.gmtime(1_700_000_090)), 90),
        (503, "1", 5),  # the back-off is longer
        (503, "soon", 5),
        (503, "-5", 5),
        (503, "99999999999", 3600),
        (500, "", 5),
        (502, "", 5),
    ],
)
def test_a_busy_server_is_asked_again_when_it_says_or_after_a_while(
    tmp_path: Path, remote: Remote, code: int, value: str, waits_s: int
) -> None:
    box = Box(tmp_path, remote.url, retry__jitter_percent=0)
    box.sample(1)
    headers = {"Retry-After": value} if value else {}
    remote.answer = status(code, "", **headers)
    assert box.upload() == 75
    box.wait(waits_s - 1)
    assert box.upload() == 0
    assert len(remote.requests) == 1
    box.wait(2)
    assert box.upload() == 75
    assert len(remote.requests) == 2


def test_boxes_that_are_told_the_same_time_do_not_come_at_the_same_time(tmp_path: Path, remote: Remote) -> None:
    remote.answer = status(503, "", Retry_After="600")
    waits = []
    for name in map(str, range(12)):
        (tmp_path / name).mkdir()
        box = Box(tmp_path / name, remote.url)
        box.sample(1)
        assert box.upload() == 75
        waits.append(box.link().backoff_ms / 1000)
    assert min(waits) >= 600
    assert max(waits) <= 720
    assert len({round(wait) for wait in waits}) > 4


def test_the_waits_grow_and_the_state_is_in_the_database(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, retry__jitter_percent=0)
    box.sample(1)
    remote.answer = status(500)
    tried = []
    for second in range(300):
        before = len(remote.requests)
        box.upload()
        if len(remote.requests) > before:
            tried.append(second)
        box.wait(1)
    gaps = [after - before for before, after in zip(tried, tried[1:])]
    # A second is as fine as this clock goes.
    wanted = [5, 15, 45, 60, 60]
    assert all(want <= gap <= want + 1 for want, gap in zip(wanted, gaps))
    assert len(gaps) >= len(wanted)


def test_a_critical_sample_does_not_wait_for_a_long_back_off_but_for_the_server(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, retry__jitter_percent=0)
    box.sample(1)
    remote.answer = status(500)
    for _ in range(3):
        box.upload()
        box.wait(46)
    box.upload()
    box.wait(6)
    before = len(remote.requests)
    box.sample(0, "critical")
    remote.answer = status(204)
    assert box.upload() == 0
    assert len(remote.requests) > before
    remote.answer = status(503, "", Retry_After="50")
    box.sample(0, "critical again")
    assert box.upload() == 75
    before = len(remote.requests)
    box.wait(40)
    box.sample(0, "critical too")
    assert box.upload() == 0
    assert len(remote.requests) == before


def test_what_is_at_fault_here_is_told_loudly_once(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error in the journal the first time, and a line as long as it stays so."""
    monkeypatch.setenv("JOURNAL_STREAM", "1:1")
    monkeypatch.setattr(journal, "_send", lambda *_: False)
    box = Box(tmp_path, remote.url, format="nonsense")
    box.sample(2)
    told = []
    for _ in range(3):
        assert box.upload() == 78
        told.append(capsys.readouterr().err[:3])
    assert told == [f"<{journal.ERROR}>", f"<{journal.NOTICE}>", f"<{journal.NOTICE}>"]
    box.configure(format="victoriametrics")
    assert box.upload() == 0
    assert box.link().error == ""
