from __future__ import annotations

import errno
import os
import posix
import sys
import threading
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics import source
from belabox_metrics.errors import NoData, SourceProblem


def test_a_file_under_a_root(put: Callable[[str, str], str]) -> None:
    assert source.read_text(put("/proc/x", "hello\n"), "/proc/x") == "hello\n"
    assert source.read_text("", "/proc/self/comm").strip()


def test_a_table_handed_out_in_pieces(put: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel fills one page a read."""
    honest = os.read
    monkeypatch.setattr(posix, "read", lambda handle, size: honest(handle, min(size, 3)))
    assert source.read_text(put("/x", "0123456789"), "/x") == "0123456789"
    assert source.read_text(put("/x", "0123456789"), "/x", 10) == "0123456789"


def test_bytes_that_are_no_text(put: Callable[[str, bytes], str]) -> None:
    assert source.read_text(put("/x", b"a\xffb\xc3"), "/x") == "a\\xffb\\xc3"


@pytest.mark.parametrize("path", ["/nothing", "/file/below"])
def test_no_file_is_no_data(put: Callable[[str, str], str], path: str) -> None:
    root = put("/file", "")
    with pytest.raises(NoData, match="does not exist"):
        source.read_text(root, path)
    with pytest.raises(NoData, match="does not exist"):
        source.list_dir(root, "/nothing")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "directory").mkdir()
    os.symlink("loop", tmp_path / "loop")
    for name, says in (("fifo", "is not a file"), ("directory", "is not a file"), ("loop", "can't be read")):
        with pytest.raises(SourceProblem, match=says):
            source.read_text(str(tmp_path), f"/{name}")
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(SourceProblem, match="is not a file"):
            source.read_text("", device)
    with pytest.raises(SourceProblem, match="is not the name of a file"):
        source.read_text("", "/tmp/a\0b")


def test_a_fifo_with_a_writer_that_says_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    writer = os.open(tmp_path / "fifo", os.O_RDWR)
    try:
        with pytest.raises(SourceProblem, match="is not a file"):
            source.read_text(str(tmp_path), "/fifo")
    finally:
        os.close(writer)


def test_length_is_bounded(put: Callable[[str, bytes], str]) -> None:
    root = put("/x", b"7" * (10 << 20))
    with pytest.raises(SourceProblem, match="is longer than 1048576 bytes"):
        source.read_text(root, "/x")
    text, _ = source.read_tail(root, "/x", 100)
    assert text == "7" * 100


@pytest.mark.parametrize("code", [errno.EIO, errno.EINVAL, errno.EAGAIN, errno.EACCES])
def test_a_read_that_fails(put: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def read(_handle: int, _size: int) -> bytes:
        raise OSError(code, os.strerror(code))

    root = put("/x", "1")
    monkeypatch.setattr(posix, "read", read)
    with pytest.raises(source.Unreadable) as caught:
        source.read_text(root, "/x")
    assert caught.value.errno == code
    assert str(caught.value) == f"{root}/x: can't be read: {os.strerror(code)}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_of_somebody_else(put: Callable[[str, str], str]) -> None:
    root = put("/x", "1")
    os.chmod(f"{root}/x", 0)
    with pytest.raises(SourceProblem, match="can't be read: Permission denied"):
        source.read_text(root, "/x")


def test_no_handle_is_left_open(put: Callable[[str, str], str], tmp_path: Path) -> None:
    root = put("/x", "1" * 50)
    before = len(os.listdir("/proc/self/fd"))
    for limit in (10, 100):
        for path in ("/x", "", "/none"):
            try:
                source.read_text(root, path, limit)
            except (NoData, SourceProblem):
                continue
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_end_of_a_growing_file(put: Callable[[str, str], str]) -> None:
    root = put("/x", "0123456789")
    os.utime(f"{root}/x", ns=(0, 1_700_000_000_123_456_789))
    assert source.read_tail(root, "/x", 4) == ("6789", 1_700_000_000_123)
    assert source.read_tail(root, "/x", 400) == ("0123456789", 1_700_000_000_123)


@pytest.mark.parametrize(
    ("field", "value"),
    [("0", 0), ("007", 7), ("18446744073709551615", 2**64 - 1), ("00000000000000000001", 1)],
)
def test_a_counter(field: str, value: int) -> None:
    assert source.unsigned(field, "/proc/x", 1, "field") == value


@pytest.mark.parametrize(
    "field",
    [
        *("", "-1", "+1", " 1", "1 ", "1_0", "1.0", "1e3", "0x1", "nan", "1\n", "1\0"),
        *("\uff11", "\u00b2", "\u0661", "18446744073709551616", "9" * 400, "9" * 5000),
    ],
)
def test_what_is_no_counter(field: str) -> None:
    with pytest.raises(SourceProblem) as caught:
        source.unsigned(field, "/proc/x", 12, "user")
    assert str(caught.value).startswith("/proc/x:12: user is '")
    assert len(str(caught.value)) < 160
    assert str(caught.value).isprintable()


def test_lines() -> None:
    assert source.whole_lines("a\n\nb\n", "/x") == ["a", "", "b"]
    assert source.whole_lines("a\x85b\u2028c\n", "/x") == ["a\x85b\u2028c"], "only a line feed ends a line"
    for text in ("", "a", "a\nb"):
        with pytest.raises(SourceProblem):
            source.whole_lines(text, "/x")


@pytest.mark.skipif(sys.platform != "linux", reason="procfs")
def test_reading_while_it_is_written(tmp_path: Path) -> None:
    """A file that grows as it is read ends at the limit."""
    path = tmp_path / "x"
    path.write_bytes(b"")
    done = threading.Event()

    def write() -> None:
        with path.open("ab") as out:
            while not done.is_set():
                out.write(b"x" * 65536)
                out.flush()
                if out.tell() > 64 << 20:
                    return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while path.stat().st_size < 1 << 16:
            pass
        for _ in range(5):
            assert len(source.read_tail(str(tmp_path), "/x", 1000)[0]) == 1000
    finally:
        done.set()
        writer.join()
