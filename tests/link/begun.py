"""When the box began each of its connections to the server, as its own kernel saw it.

begun.py DEVICE PORT LOG

A line of LOG for each first packet (SYN) that leaves by DEVICE for PORT: `at` (Unix seconds, the kernel's), `port`,
which it comes from, and `sequence`, which tells what is said again from another connection. The server learns of it
later: by what a link holds back or loses, and by as long as the machine is busy.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

ALL = 3  # ETH_P_ALL: also what leaves
TIMESTAMPS, AMPLE = 35, 33  # SO_TIMESTAMPNS, SO_RCVBUFFORCE
TCP, SYN, ACK = 6, 0x02, 0x10


class Begun:
    """Watches from when it is made until close(); `box` is a process in the box's network namespace."""

    def __init__(self, box: int, device: str, port: int, log: Path) -> None:
        self._log = log
        command = ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/proc/{box}/ns/net", "/usr/bin/python3", "-I"]
        self._process = subprocess.Popen([*command, __file__, device, str(port), str(log)], stdout=subprocess.PIPE)
        assert self._process.stdout
        # It watches.
        self._process.stdout.readline()

    def packets(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def first_packet(packet: bytes, to: int) -> tuple[int, int] | None:
    """The port it comes from and its sequence number, where it asks `to`, a port, for a connection over IPv4."""
    head = (packet[0] & 15) * 4
    if packet[0] >> 4 != 4 or packet[9] != TCP or len(packet) < head + 14:
        return None
    port, wanted, sequence = struct.unpack_from("!HHI", packet, head)
    return (port, sequence) if wanted == to and packet[head + 13] & (SYN | ACK) == SYN else None


def main(device: str, to: int, log: str) -> None:
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL)) as tap,
        open(log, "a", encoding="utf-8") as kept,
    ):
        tap.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
        # However late this one comes to it, the kernel keeps what it saw, and when.
        tap.setsockopt(socket.SOL_SOCKET, AMPLE, 8 << 20)
        tap.bind((device, ALL))
        print(flush=True)
        while True:
            packet, said, _, place = tap.recvmsg(80, 64)
            found = first_packet(packet, to) if place[2] == socket.PACKET_OUTGOING else None
            if found is not None:
                seconds, ns = struct.unpack("@qq", said[0][2])
                entry = {"at": seconds + ns / 1e9, "port": found[0], "sequence": found[1]}
                print(json.dumps(entry), file=kept, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
