"""A disk with a write cache that is really lost: a server of NBD on a socket, to which a machine connects.

What is written stays in memory until the machine flushes; then all of it goes to the file. At a power cut each write
since the last flush is kept, lost or torn, whatever was written after it, as a drive that reorders its cache may do.
The protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, fixed newstyle, simple replies.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple

# What a file system of 4096-byte blocks writes in; a drive of 512-byte sectors may be stopped between two of them.
BLOCK, SECTOR = 4096, 512

_MAGIC, _OPTION, _OPTION_REPLY = 0x4E42444D41474943, 0x49484156454F5054, 0x0003E889045565A9
_REQUEST, _REPLY = 0x25609513, 0x67446698
_EXPORT_NAME, _ABORT, _INFO, _GO = 1, 2, 6, 7
_ACK, _TELLS, _UNSUPPORTED = 1, 3, 0x80000001
_READ, _WRITE, _DISCONNECT, _FLUSH = 0, 1, 2, 3
_FLAG_FUA = 1
_EINVAL = 22
# There are flags; flush and "force unit access" are understood.
_FLAGS = 0b1101


class Cut(NamedTuple):
    """What became of the writes that were in the cache: blocks."""

    kept: int
    lost: int
    torn: int


class Disk:
    """The file at `path` behind the socket at `address`. One machine at a time."""

    def __init__(self, path: Path, address: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.size = os.fstat(self._file).st_size
        self._lock = threading.Lock()
        # Each block as it was written, in order; and where the newest of each is.
        self._written: list[tuple[int, bytes]] = []
        self._newest: dict[int, bytes] = {}
        self.flushes = 0
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(address))
        self._listening.listen()
        self._idle = threading.Event()
        self._idle.set()
        self._has_power = True
        # After so many more blocks it goes; None: not by itself.
        self._last: int | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def unflushed(self) -> int:
        """Blocks in the cache, as they were written."""
        return len(self._written)

    def unplug(self) -> None:
        """From now on it does nothing and says nothing, whatever a machine that is being killed, or who speaks for it
        here, still asks for."""
        with self._lock:
            self._has_power = False

    def unplug_after(self, blocks: int | None) -> None:
        """As unplug(), but when so many more were written, in the middle of what is asked for perhaps; None: not any
        more."""
        with self._lock:
            self._last = blocks

    @property
    def has_power(self) -> bool:
        return self._has_power

    def cut(self, chance: random.Random) -> Cut:
        """The power was gone: the machine must be dead by now. What is left is there for the next one."""
        # What it had sent before it died, the drive has.
        self._idle.wait()
        with self._lock:
            done = self._settle(chance, self._file)
            self._forget()
            self._has_power, self._last = True, None
        return done

    def as_if_cut(self, chance: random.Random, path: Path) -> Cut:
        """Make `path` what the disk would be, were the power to go now. The machine runs on."""
        with self._lock:
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", self._path, path], check=True)
            copy = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                return self._settle(chance, copy)
            finally:
                os.close(copy)

    def _settle(self, chance: random.Random, file: int) -> Cut:
        """By coins of the cut's own, each block of the cache is kept or lost; of some, only some sectors are kept."""
        keeps = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        tears = chance.choice((0.0, 0.0, 0.2))
        kept = lost = torn = 0
        for place, data in self._written:
            if chance.random() < tears:
                torn += 1
                for at in range(0, BLOCK, SECTOR):
                    if chance.random() < 0.5:
                        os.pwrite(file, data[at : at + SECTOR], place * BLOCK + at)
            elif chance.random() < keeps:
                kept += 1
                os.pwrite(file, data, place * BLOCK)
            else:
                lost += 1
        return Cut(kept, lost, torn)

    def close(self) -> None:
        """The cache is written: this is no power cut."""
        self._idle.wait()
        with self._lock:
            self._flush()
            # Wakes the thread, which close() alone does not.
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        self._thread.join()
        os.close(self._file)

    # ---- the cache ----

    def _forget(self) -> None:
        self._written.clear()
        self._newest.clear()

    def _flush(self) -> None:
        for place, data in self._newest.items():
            os.pwrite(self._file, data, place * BLOCK)
        self._forget()
        self.flushes += 1

    def _read(self, start: int, length: int) -> bytes:
        found = os.pread(self._file, length, start)
        first, last = start // BLOCK, (start + length - 1) // BLOCK
        places = [place for place in range(first, last + 1) if place in self._newest]
        if not places:
            return found
        patched = bytearray(found)
        for place in places:
            # Where the block lies in what was asked for; at its ends only a part of it may.
            at = place * BLOCK - start
            data = self._newest[place]
            head = max(0, -at)
            part = data[head : min(BLOCK, length - at)]
            patched[at + head : at + head + len(part)] = part
        return bytes(patched)

    def _write(self, start: int, data: bytes, at_once: bool) -> None:
        first, last = start // BLOCK, (start + len(data) - 1) // BLOCK
        if start % BLOCK or len(data) % BLOCK:
            around = bytearray(self._read(first * BLOCK, (last + 1 - first) * BLOCK))
            around[start - first * BLOCK : start - first * BLOCK + len(data)] = data
            data = bytes(around)
        for place in range(first, last + 1):
            block = data[(place - first) * BLOCK : (place - first + 1) * BLOCK]
            self._newest[place] = block
            self._written.append((place, block))
            if at_once:
                # An older write of this block can't come after it.
                os.pwrite(self._file, block, place * BLOCK)
                self._written = [entry for entry in self._written if entry[0] != place]
                del self._newest[place]
            if self._last is not None:
                self._last -= 1
                if self._last <= 0:
                    self._has_power = False
                    return

    # ---- the protocol ----

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._idle.clear()
            try:
                with connection:
                    if self._agree(connection):
                        self._attend(connection)
            except (OSError, EOFError):
                # A machine that was cut off says no goodbye.
                pass
            finally:
                self._idle.set()

    def _agree(self, connection: socket.socket) -> bool:
        """The options; whether requests follow."""
        connection.sendall(struct.pack(">QQH", _MAGIC, _OPTION, 0b11))
        (flags,) = struct.unpack(">I", _exactly(connection, 4))
        while True:
            _, option, length = struct.unpack(">QII", _exactly(connection, 16))
            _exactly(connection, length)
            if option == _EXPORT_NAME:
                padding = b"" if flags & 2 else bytes(124)
                connection.sendall(struct.pack(">QH", self.size, _FLAGS) + padding)
                return True
            if option in (_INFO, _GO):
                told = struct.pack(">HQH", 0, self.size, _FLAGS)
                connection.sendall(struct.pack(">QIII", _OPTION_REPLY, option, _TELLS, len(told)) + told)
            kind = _ACK if option in (_ABORT, _INFO, _GO) else _UNSUPPORTED
            connection.sendall(struct.pack(">QIII", _OPTION_REPLY, option, kind, 0))
            if option == _GO:
                return True
            if option == _ABORT:
                return False

    def _attend(self, connection: socket.socket) -> None:
        while True:
            head = _exactly(connection, 28)
            _, flags, kind, handle, start, length = struct.unpack(">IHHQQI", head)
            if kind == _DISCONNECT:
                return
            data = _exactly(connection, length) if kind == _WRITE else b""
            answer, error = b"", 0
            with self._lock:
                if not self._has_power:
                    continue
                if start + length > self.size or kind > _FLUSH:
                    error = _EINVAL
                elif kind == _READ:
                    answer = self._read(start, length)
                elif kind == _WRITE:
                    self._write(start, data, bool(flags & _FLAG_FUA))
                else:
                    self._flush()
            # It may have gone with this very write.
            if self.has_power:
                connection.sendall(struct.pack(">IIQ", _REPLY, error, handle) + answer)


def _exactly(connection: socket.socket, length: int) -> bytes:
    """Raises EOFError where the other side is gone before."""
    found = bytearray()
    while len(found) < length:
        part = connection.recv(min(length - len(found), 1 << 20))
        if not part:
            raise EOFError
        found += part
    return bytes(found)
