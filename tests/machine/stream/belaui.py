"""Stands in for belaUI: starts the programs of a stream, starts them again when they end, prints what they print.

belaui.py FOLDER    FOLDER has `bin/belacoder`, `bin/srtla_send` and `child`

Orders come by the pipe FOLDER/orders, one a line:

    start              as when a person presses the button; the programs have the command lines of the real ones
    say LINE           print a line of belaUI itself
    belacoder LINE     that program writes LINE to standard error; `exit` ends it, and belaUI starts it again
    srtla_send LINE
    stop               ends both for good

The two programs are copies of bash: BASH_ENV has them run FOLDER/child whatever their arguments are, so that the
process table shows them as on a box. While a stream runs, each address of ADDRESSES sends what a slow link would.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time

ADDRESSES = "/tmp/srtla_ips"
SECRET = "live_s3cret_id"
# How long belaUI waits until it starts each again.
PAUSES = {"belacoder": 2.0, "srtla_send": 0.1}
PACKET = bytes(1316)
PACKETS_PER_S = 40


class Belaui:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.children: dict[str, subprocess.Popen[str]] = {}
        self.streaming = threading.Event()
        self.printing = threading.Lock()

    def print(self, line: str) -> None:
        with self.printing:
            print(line, flush=True)

    def start(self) -> None:
        self.streaming.set()
        commands = {
            "srtla_send": ["9000", "relay.example.net", "5000", ADDRESSES],
            "belacoder": [
                *(f"{self.folder}/belacoder/pipelines/custom/h265_hdmi", "127.0.0.1", "9000", "-d", "0"),
                *("-b", "/tmp/belacoder_br", "-l", "2000", "-s", SECRET),
            ],
        }
        for name, arguments in commands.items():
            threading.Thread(target=self.keep, args=(name, arguments), daemon=True).start()
        threading.Thread(target=self.send, daemon=True).start()

    def keep(self, name: str, arguments: list[str]) -> None:
        environment = {**os.environ, "BASH_ENV": f"{self.folder}/child"}
        while self.streaming.is_set():
            child = subprocess.Popen(
                [name, *arguments],
                executable=f"{self.folder}/bin/{name}",
                env=environment,
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            self.children[name] = child
            assert child.stderr
            for line in child.stderr:
                self.print(line.rstrip("\n"))
            child.wait()
            if self.streaming.is_set():
                time.sleep(PAUSES[name])

    def order(self, name: str, line: str) -> None:
        child = self.children[name]
        assert child.stdin
        try:
            print(line, file=child.stdin, flush=True)
        except BrokenPipeError:
            self.print(f"{name} has ended, nobody says: {line}")

    def stop(self) -> None:
        self.streaming.clear()
        for name, child in self.children.items():
            child.terminate()
            self.print(f"stop: {name} terminated")

    def send(self) -> None:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while self.streaming.is_set():
            with open(ADDRESSES) as file:
                addresses = file.read().split()
            for address in addresses:
                # A route leads to each; one whose interface is gone leads nowhere.
                try:
                    sender.sendto(PACKET, (address.rpartition(".")[0] + ".1", 5000))
                except OSError:
                    continue
            time.sleep(1 / PACKETS_PER_S)


def main(folder: str) -> None:
    pipe = f"{folder}/orders"
    os.mkfifo(pipe)
    belaui = Belaui(folder)
    # For writing too: it does not end with the one who gave the last order.
    with open(os.open(pipe, os.O_RDWR), encoding="utf-8") as orders:
        for order in orders:
            word, _, line = order.rstrip("\n").partition(" ")
            if word == "start":
                belaui.start()
            elif word == "stop":
                belaui.stop()
            elif word == "say":
                belaui.print(line)
            else:
                belaui.order(word, line)


if __name__ == "__main__":
    main(sys.argv[1])
