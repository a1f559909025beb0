"""The disk that forgets: what was flushed stays, what was not may not, and the machine sees no difference before."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from .disk import BLOCK, SECTOR, Disk

SIZE = 64 * BLOCK
READ, WRITE, DISCONNECT, FLUSH = range(4)
FUA = 1


class Client:
    """As much of NBD as a test needs."""

    def __init__(self, address: Path) -> None:
        self._end = socket.socket(socket.AF_UNIX)
        self._end.connect(str(address))
        self._read(18)
        # Fixed newstyle, no padding; then the export without a name.
        self._end.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 1, 0))
        self.size, _ = struct.unpack(">QH", self._read(10))

    def ask(self, kind: int, start: int = 0, data: bytes = b"", length: int = 0, flags: int = 0) -> bytes:
        self.send(kind, start, data, length, flags)
        _, error, handle = struct.unpack(">IIQ", self._read(16))
        assert handle == 7
        if error:
            raise OSError(error, "refused")
        return self._read(length) if kind == READ else b""

    def send(self, kind: int, start: int = 0, data: bytes = b"", length: int = 0, flags: int = 0) -> None:
        head = struct.pack(">IHHQQI", 0x25609513, flags, kind, 7, start, length or len(data))
        self._end.sendall(head + data)

    def die(self) -> None:
        self._end.close()

    def _read(self, length: int) -> bytes:
        found = b""
        while len(found) < length:
            part = self._end.recv(length - len(found))
            assert part
            found += part
        return found


class AllLost(random.Random):
    """A coin that always falls so."""

    def choice(self, seq: object) -> float:  # type: ignore[override]
        return 0.0


class AllTorn(random.Random):
    def choice(self, seq: object) -> float:  # type: ignore[override]
        return 1.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.write_bytes(b"." * SIZE)
    return path


@pytest.fixture
def disk(path: Path, tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(path, tmp_path / "socket")
    yield disk
    disk.close()


@pytest.fixture
def client(disk: Disk, tmp_path: Path) -> Iterator[Client]:
    client = Client(tmp_path / "socket")
    yield client
    client.die()


def test_what_was_not_flushed_is_read_back_and_lost_with_the_power(disk: Disk, client: Client, path: Path) -> None:
    client.ask(WRITE, 0, b"a" * BLOCK)
    client.ask(FLUSH)
    client.ask(WRITE, 0, b"b" * BLOCK)
    client.ask(WRITE, BLOCK, b"b" * BLOCK)
    assert client.ask(READ, 0, length=3 * BLOCK) == b"b" * 2 * BLOCK + b"." * BLOCK
    client.die()
    assert disk.cut(AllLost()) == (0, 2, 0)
    assert path.read_bytes()[: 2 * BLOCK] == b"a" * BLOCK + b"." * BLOCK


def test_without_power_nothing_more_is_written_or_said(disk: Disk, client: Client, path: Path, tmp_path: Path) -> None:
    """Whoever speaks for a machine that is being killed may still flush."""
    client.ask(WRITE, 0, b"a" * BLOCK)
    disk.unplug()
    client.send(WRITE, BLOCK, b"b" * BLOCK)
    client.send(FLUSH)
    client.die()
    assert disk.cut(AllLost()) == (0, 1, 0)
    assert path.read_bytes() == b"." * SIZE
    again = Client(tmp_path / "socket")
    assert again.ask(READ, 0, length=BLOCK) == b"." * BLOCK
    again.die()


@pytest.mark.parametrize("flags", [0, FUA])
def test_the_power_goes_in_the_middle_of_a_write(
    disk: Disk, client: Client, path: Path, tmp_path: Path, flags: int
) -> None:
    disk.unplug_after(3)
    client.ask(WRITE, 0, b"a" * BLOCK, flags=flags)
    client.send(WRITE, BLOCK, b"a" * 5 * BLOCK, flags=flags)
    client.send(FLUSH)
    client.die()
    assert disk.cut(AllLost()) == (0, 0 if flags else 3, 0)
    assert not disk.unflushed
    assert path.read_bytes().count(b"a") == (3 * BLOCK if flags else 0)
    again = Client(tmp_path / "socket")
    again.ask(WRITE, 0, b"b" * 8 * BLOCK)
    again.die()


def test_a_write_that_must_be_on_the_disk_is_and_no_older_one_comes_after_it(
    disk: Disk, client: Client, path: Path
) -> None:
    client.ask(WRITE, 0, b"a" * BLOCK)
    client.ask(WRITE, 0, b"b" * BLOCK, flags=FUA)
    client.die()
    assert disk.cut(random.Random(1)) == (0, 0, 0)
    assert path.read_bytes()[:BLOCK] == b"b" * BLOCK


def test_a_torn_block_has_whole_sectors_of_before_and_after(disk: Disk, client: Client, path: Path) -> None:
    client.ask(WRITE, 0, b"a" * BLOCK)
    client.die()
    # The first coin of each block says that it is torn, the next ones which sectors are kept.
    assert disk.cut(AllTorn(3)).torn == 1
    found = path.read_bytes()[:BLOCK]
    sectors = {found[at : at + SECTOR] for at in range(0, BLOCK, SECTOR)}
    assert sectors == {b"a" * SECTOR, b"." * SECTOR}


def test_a_part_of_a_block_leaves_the_rest_of_it(client: Client) -> None:
    client.ask(WRITE, 0, b"a" * BLOCK)
    client.ask(WRITE, 100, b"b" * BLOCK)
    assert client.ask(READ, 50, length=100) == b"a" * 50 + b"b" * 50
    assert client.ask(READ, BLOCK, length=200) == b"b" * 100 + b"." * 100


def test_as_if_cut_changes_nothing_for_the_machine(disk: Disk, client: Client, tmp_path: Path) -> None:
    client.ask(WRITE, 0, b"a" * BLOCK)
    assert disk.as_if_cut(AllLost(), tmp_path / "copy") == (0, 1, 0)
    assert (tmp_path / "copy").read_bytes() == b"." * SIZE
    assert client.ask(READ, 0, length=BLOCK) == b"a" * BLOCK


def test_beyond_the_end_is_refused_and_the_connection_goes_on(client: Client) -> None:
    for kind, data, length in ((WRITE, b"a" * BLOCK, 0), (READ, b"", BLOCK)):
        with pytest.raises(OSError, match="refused"):
            client.ask(kind, SIZE - 1, data, length)
    assert client.ask(READ, 0, length=1) == b"."


def test_many_writes_in_any_order_end_in_one_of_the_states_that_the_cache_allows(
    disk: Disk, client: Client, path: Path
) -> None:
    chance = random.Random(5)
    allowed = {place: {b"."} for place in range(64)}
    for number in range(200):
        place, letter = chance.randrange(64), b"%c" % chance.choice(b"abcdef")
        client.ask(WRITE, place * BLOCK, letter * BLOCK)
        allowed[place].add(letter)
        if number == 100:
            client.ask(FLUSH)
            allowed = {place: {client.ask(READ, place * BLOCK, length=1)} for place in range(64)}
    client.die()
    disk.cut(random.Random(8))
    found = path.read_bytes()
    assert all(found[place * BLOCK : place * BLOCK + 1] in allowed[place] for place in range(64))
