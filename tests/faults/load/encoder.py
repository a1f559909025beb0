"""What else wants the processor while a stream is live: an encoder on all cores."""

from __future__ import annotations

import os
import subprocess
import time

# Reads and writes memory as one does, which a loop does not: pictures that move, as fast as it can.
_X264 = [
    *("ffmpeg", "-nostdin", "-loglevel", "error"),
    *("-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=60", "-c:v", "libx264", "-f", "null", "-"),
]
_LOOP = ["/bin/sh", "-c", "while :; do :; done"]
# Before it has all cores.
BEGIN_S = 0.5


class Encoder:
    """While it is entered. Where there is no ffmpeg, a busy loop for each core: `name` tells. `cores`: so many it had,
    once it is over."""

    def __init__(self) -> None:
        all_cores = len(os.sched_getaffinity(0))
        has_x264 = _has_x264()
        self.name = f"{'x264' if has_x264 else 'a busy loop'} on all {all_cores} cores"
        self.cores = 0.0
        self._commands = [_X264] if has_x264 else [_LOOP] * all_cores

    def __enter__(self) -> Encoder:
        self._began = time.monotonic()
        self._started = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in self._commands]
        time.sleep(BEGIN_S)
        return self

    def __exit__(self, *what: object) -> None:
        seconds = time.monotonic() - self._began
        had_s = 0.0
        for one in self._started:
            one.kill()
            # With what it has used, which Popen would throw away.
            _, status, used = os.wait4(one.pid, 0)
            one.returncode = -(status & 0x7F)
            had_s += used.ru_utime + used.ru_stime
        self.cores = had_s / seconds


def _has_x264() -> bool:
    try:
        listed = subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return False
    return " libx264 " in listed.stdout
