from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.config.file import LIMIT, read_text
from belabox_metrics.errors import ConfigProblem

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("data", "after_the_name"),
    [
        (b"a: 1\nb: \xff\n", ":2: is not UTF-8 text (save it as UTF-8)"),
        ("a: 1\n".encode("utf-16"), ":1: is not UTF-8 text"),
        (b"a: 1\n\nb: \x00\n", ":3: has the control character '\\x00' (remove it)"),
        (b"a: \x1b[31m\n", ":1: has the control character '\\x1b'"),
        (b"#" * (LIMIT + 1), ": is longer than 256 KiB"),
        (b"a" * 10_000_000, ": is longer than 256 KiB"),
        (b"\xed\xa0\x80", ":1: is not UTF-8 text"),
    ],
)
def test_refuses(tmp_path: Path, data: bytes, after_the_name: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigProblem) as caught:
        read_text(str(path))
    assert str(caught.value).startswith(str(path) + after_the_name)


def test_reads_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"#" * LIMIT)
    assert len(read_text(str(path))) == LIMIT


def test_reads_past_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\r\n")
    assert read_text(str(path)) == "a: é\r\n"


def test_refuses_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match=r"config\.yaml: does not exist \(copy configs/config\.yaml there\)"):
        read_text(str(tmp_path / "config.yaml"))


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_refuses_what_is_no_file(tmp_path: Path, make: object) -> None:
    path = str(tmp_path / "config.yaml")
    assert callable(make)
    make(path)
    with pytest.raises(ConfigProblem, match=r"config\.yaml: is not a file"):
        read_text(path)


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/mem", "a\0b"])
def test_refuses_stranger_things(path: str) -> None:
    with pytest.raises(ConfigProblem):
        read_text(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_refuses_what_it_may_not_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("a: 1\n")
    path.chmod(0)
    with pytest.raises(ConfigProblem, match="can't be read: Permission denied"):
        read_text(str(path))
