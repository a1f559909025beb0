"""The clock of the manager and of all else: born in 1970, stepped by a day and an hour, in another zone, drifting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from ..outcome import Row
from . import books
from .books import Books, Span
from .guest import Guest

# As in the table of clocks: one that a server keeps; one of which only the metrics server tells.
KEPT_MS, TOLD_MS = 1000, 2600
DRIFT = 100  # One part in so many.
# Of the samples of one series, what the server has: name there, metric here.
SERIES, METRIC = "memory_used_bytes", "memory.usage"
MARK = "/run/systemd/timesync/synchronized"
# Before any job can run. What it was before is written down, by the time since boot.
_WRONG = """import time
boot = time.clock_gettime(time.CLOCK_BOOTTIME)
print(time.time() - boot, file=open("/run/lab-offset", "w"))
time.clock_settime(time.CLOCK_REALTIME, 86400 + boot)
"""
_WANTED = "/etc/systemd/system/sysinit.target.wants/lab-1970.service"
_WRONG_UNIT = """[Unit]
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I /opt/lab/wrong-clock
"""
_SET = "import sys, time; time.clock_settime(time.CLOCK_REALTIME, time.time() + float(sys.argv[1]))"
_RIGHT = (
    "import sys, time; b = time.clock_gettime(time.CLOCK_BOOTTIME);"
    "time.clock_settime(time.CLOCK_REALTIME, b + float(sys.argv[1]))"
)
# struct timex: modes at 0, tick at 88, on a machine of 64 bits (adjtimex(2)).
_TICK = (
    "import ctypes, struct, sys; b = ctypes.create_string_buffer(208); struct.pack_into('I', b, 0, 0x4000);"
    "struct.pack_into('q', b, 88, int(sys.argv[1])); c = ctypes.CDLL(None, use_errno=True);"
    "sys.exit(c.adjtimex(b) < 0 and ctypes.get_errno())"
)


class Phase(NamedTuple):
    """`steps`: how often the clock was set in it; each may start every metric once more."""

    said: str
    span: Span
    bound_ms: float
    steps: int
    wrong: list[str]


class Clocks:
    """`hold_s`: how long each lasts."""

    def __init__(self, guest: Guest, hold_s: float) -> None:
        self._guest = guest
        self._hold_s = hold_s
        # What is to be added to the time since boot; and while the quartz was wrong, how far it fell behind.
        self._offset = 0.0
        self._drifted = (Span(0, 0), 0.0)

    def rows(self) -> Iterator[Row]:
        self._boot_in_1970()
        phases = [self._phase("boot in 1970, only the metrics server tells", TOLD_MS, 0)]
        self._guest.sh("systemctl start belabox-metrics-upload.service")
        self._right()
        phases.append(self._phase("set right by a time server", KEPT_MS, 1))
        phases.append(self._stepped("a step of a day forward", 86400))
        phases.append(self._stepped("a step of an hour back", -3600))
        phases.append(self._zones())
        phases.append(self._drifting())
        self._right()
        self._sent()
        found = books.read(self._guest)
        placed, repeated = self._placed()
        for phase in phases:
            yield self._row(phase, found, placed, repeated)
        yield self._far_ahead()

    # ---- what is done ----

    def _boot_in_1970(self) -> None:
        self._guest.write("/opt/lab/wrong-clock", _WRONG)
        self._guest.write("/etc/systemd/system/lab-1970.service", _WRONG_UNIT)
        self._guest.sh(f"ln -s ../lab-1970.service {_WANTED}")
        self._guest.off()
        self._guest.power_on()
        self._guest.sh(f"rm {_WANTED}")
        self._offset = float(self._guest.sh("cat /run/lab-offset"))

    def _stepped(self, said: str, seconds: int) -> Phase:
        """By hand, and no time server knows better for as long as it lasts."""
        began = self._guest.uptime()
        self._guest.sh(f"rm -f {MARK}")
        self._python(_SET, str(seconds))
        time.sleep(self._hold_s / 2)
        wrong = self._health_tells(seconds)
        time.sleep(self._hold_s / 2)
        self._right()
        return self._phase(said, TOLD_MS, 2, wrong, began)

    def _zones(self) -> Phase:
        began = self._guest.uptime()
        for zone in ("Asia/Kathmandu", "America/St_Johns", "UTC"):
            self._guest.sh(f"ln -sf /usr/share/zoneinfo/{zone} /etc/localtime")
            time.sleep(self._hold_s / 3)
        return self._phase("another time zone, three times", KEPT_MS, 0, [], began)

    def _drifting(self) -> Phase:
        """Both clocks, as they have one quartz; the host knows how far."""
        began, real = self._guest.uptime(), time.monotonic()
        self._guest.sh(f"rm -f {MARK}")
        self._python(_TICK, str(10000 - 10000 // DRIFT))
        time.sleep(self._hold_s)
        passed = time.monotonic() - real
        self._python(_TICK, "10000")
        ended = self._guest.uptime()
        behind = passed - (ended - began)
        self._drifted = (Span(began, ended), behind)
        said = f"a quartz that is a {DRIFT}th too slow, nobody corrects it"
        return Phase(said, Span(began, ended), KEPT_MS + 1000 * passed / DRIFT, 0, [])

    def _far_ahead(self) -> Row:
        """Forty days, more than is kept of anything, while maintenance looks for what is old."""
        query = "SELECT count(*) FROM runs"
        self._guest.sh(f"rm -f {MARK}")
        ((before,),) = self._guest.sql(query)
        self._python(_SET, str(40 * 86400))
        self._guest.sh("systemctl start belabox-metrics-maintain.service")
        ((after,),) = self._guest.sql(query)
        self._right()
        wrong = books.damage(self._guest)
        return Row(
            "maintenance while the clock is forty days ahead", before, max(0, before - after), 0, None, "", wrong
        )

    def _right(self) -> None:
        self._python(_RIGHT, str(self._offset + self._drifted[1]))
        self._guest.sh(f"mkdir -p {MARK.rpartition('/')[0]}; touch {MARK}")

    # ---- what is seen ----

    def _phase(
        self, said: str, bound_ms: float, steps: int, wrong: list[str] | None = None, began: float | None = None
    ) -> Phase:
        if began is None:
            began = self._guest.uptime()
            time.sleep(self._hold_s)
        return Phase(said, Span(began, self._guest.uptime()), bound_ms, steps, wrong or [])

    def _health_tells(self, seconds: int) -> list[str]:
        self._guest.sh("systemctl start belabox-metrics-clock.service")
        report = self._guest.health()["components"]["time"]
        ms = report["details"]["skew_ms"]
        if report["status"] != "degraded" or ms is None or abs(ms - 1000 * seconds) > TOLD_MS:
            return [f"the clock is {seconds} s off, and health says {report}"]
        return []

    def _sent(self) -> None:
        self._guest.sh("systemctl stop 'belabox-metrics@*.timer'")
        said = "nothing is pending"
        self._guest.until(lambda: said in self._guest.run("belabox-metrics", "upload", check=False), said)

    def _placed(self) -> tuple[list[tuple[float, float]], int]:
        """Of each sample of the series, in this boot: (seconds since boot, ms from where it belongs); and how many
        came twice."""
        stored = books.read(self._guest).stored[METRIC]
        came: list[int] = []
        for line in self._guest.server.exported():
            if line["metric"]["__name__"] == SERIES:
                came += line["timestamps"]
        once = sorted(set(came))
        # Those of the boot before are the first ones.
        mine = once[-len(stored) :]
        return [(at, ms - 1000 * self._true(at)) for at, ms in zip(stored, mine)], len(came) - len(once)

    def _true(self, at: float) -> float:
        """Unix time of what happened then, seconds since boot."""
        span, behind = self._drifted
        share = min(max((at - span.began) / (span.ended - span.began), 0), 1) if behind else 0
        return at + self._offset + behind * share

    def _row(self, phase: Phase, found: Books, placed: list[tuple[float, float]], repeated: int) -> Row:
        off = [abs(ms) for at, ms in placed if phase.span.has(at)]
        tried = sum(phase.span.has(at) for times in found.stored.values() for at in times)
        left_out = found.left_out(self._guest.schedule, phase.span)
        beyond = found.beyond(self._guest.schedule, phase.span)
        wrong = list(phase.wrong)
        if not off:
            wrong.append("no sample of it arrived")
        elif max(off) > phase.bound_ms:
            wrong.append(f"a sample is {max(off):.0f} ms from where it belongs, promised are {phase.bound_ms:.0f}")
        if left_out:
            wrong.append(f"{left_out} runs were left out")
        if beyond > phase.steps * len(self._guest.schedule):
            wrong.append(f"{beyond} runs too many")
        note = f"misplaced by {max(off, default=0):.0f} ms at most; {left_out} runs left out, {beyond} too many"
        return Row(phase.said, tried, 0, repeated, None, note, wrong)

    def _python(self, script: str, *words: str) -> None:
        self._guest.run("/usr/bin/python3", "-I", "-c", script, *words)
