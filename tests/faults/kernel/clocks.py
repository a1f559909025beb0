"""The clock of the manager and of all else: born in 1970, stepped by a day and an hour, in another zone, drifting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from ..outcome import Row
from . import arrivals, books, slots
from .arrivals import Arrivals
from .books import Books
from .guest import Guest
from .slots import Slots, Span
from .truth import Truth

# As in the table of clocks: one that a server keeps; one of which only the metrics server tells.
KEPT_MS, TOLD_MS = 1000, 2600
DRIFT = 100  # One part in so many.
SLOW = "belabox-metrics@memory.usage.service"
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
    """`due` in it, as the clock was; `steps`: how often that was set in it; each may start every metric once more."""

    said: str
    span: Span
    due: dict[str, Slots]
    bound_ms: float
    steps: int
    wrong: list[str]


class Clocks:
    """`hold_s`: how long each lasts. `truth`, once the first row is there."""

    def __init__(self, guest: Guest, hold_s: float) -> None:
        self._guest = guest
        self._hold_s = hold_s
        self.truth = Truth(0)

    def rows(self) -> Iterator[Row]:
        self._boot_in_1970()
        self._guest.wait_for_runs(1)
        first = self._phase("boot in 1970, only the metrics server tells", TOLD_MS, 0)
        self._guest.sh("systemctl start belabox-metrics-upload.service")
        self._right()
        # As the clock is set right, all is due at other moments.
        phases = [first._replace(span=first.span._replace(closed=first.span.ended))]
        phases.append(self._phase("set right by a time server", KEPT_MS, 1))
        phases.append(self._stepped("a step of a day forward", 86400))
        phases.append(self._stepped("a step of an hour back", -3600))
        phases.append(self._stepped_at_work("an hour back while a collection is at work", -3600))
        phases.append(self._zones())
        phases.append(self._drifting())
        self._right()
        found = books.read(self._guest)
        came = arrivals.all_sent(self._guest, self.truth)
        for phase in phases:
            yield self._row(phase, found, came.within(phase.span))
        yield self._all(found, came)
        yield self._far_ahead()

    # ---- what is done ----

    def _boot_in_1970(self) -> None:
        self._guest.write("/opt/lab/wrong-clock", _WRONG)
        self._guest.write("/etc/systemd/system/lab-1970.service", _WRONG_UNIT)
        self._guest.sh(f"ln -s ../lab-1970.service {_WANTED}")
        self._guest.off()
        self._guest.power_on()
        self._guest.sh(f"rm {_WANTED}")
        self.truth = Truth(float(self._guest.sh("cat /run/lab-offset")))

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

    def _stepped_at_work(self, said: str, seconds: int) -> Phase:
        """A timer whose service is at work is not told by the manager that the clock was set."""
        folder = f"/run/systemd/system/{SLOW}.d"
        self._guest.write(f"{folder}/lab.conf", "[Service]\nExecStartPre=/bin/sleep 2")
        at_work = f"systemctl is-active {SLOW} | grep -q activating"
        self._guest.sh(f"systemctl daemon-reload; until {at_work}; do sleep 0.1; done")
        phase = self._stepped(said, seconds)
        self._guest.sh(f"rm -r {folder}; systemctl daemon-reload")
        return phase

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
        before = self.truth.unix(began)
        self.truth.goes_on(began, before, passed / (ended - began))
        self.truth.goes_on(ended, before + passed)
        said = f"a quartz that is a {DRIFT}th too slow, nobody corrects it"
        return Phase(said, Span(began, ended), slots.due(self._guest), KEPT_MS + 1000 * passed / DRIFT, 0, [])

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
        self._python(_RIGHT, str(self.truth.offset(self._guest.uptime())))
        self._guest.sh(f"mkdir -p {MARK.rpartition('/')[0]}; touch {MARK}")

    # ---- what is seen ----

    def _phase(
        self, said: str, bound_ms: float, steps: int, wrong: list[str] | None = None, began: float | None = None
    ) -> Phase:
        if began is None:
            began = self._guest.uptime()
            time.sleep(self._hold_s)
        due = slots.due(self._guest)
        return Phase(said, Span(began, self._guest.uptime()), due, bound_ms, steps, wrong or [])

    def _health_tells(self, seconds: int) -> list[str]:
        self._guest.sh("systemctl start belabox-metrics-clock.service")
        report = self._guest.health()["components"]["time"]
        ms = report["details"]["skew_ms"]
        if report["status"] != "degraded" or ms is None or abs(ms - 1000 * seconds) > TOLD_MS:
            return [f"the clock is {seconds} s off, and health says {report}"]
        return []

    def _row(self, phase: Phase, found: Books, came: Arrivals) -> Row:
        left_out = found.left_out(phase.due, phase.span)
        beyond = found.beyond(self._guest.schedule, phase.span)
        wrong = phase.wrong + came.wrong(phase.bound_ms) + left_out.wrong()
        if beyond > phase.steps * len(self._guest.schedule):
            wrong.append(f"{beyond} runs too many")
        note = f"misplaced by {came.furthest_ms:.0f} ms at most; {left_out.number} runs left out, {beyond} too many"
        return Row(phase.said, came.tried, len(came.lost), 0, None, note, wrong)

    def _all(self, found: Books, came: Arrivals) -> Row:
        """With what was sampled between those, and in the boot before."""
        wrong = came.wrong(max(TOLD_MS, KEPT_MS + 1000 * self._hold_s / DRIFT)) + came.beyond
        missing = len(found.missing())
        note = f"misplaced by {came.furthest_ms:.0f} ms at most; {missing} runs that were told of are not stored"
        said = "all of these, and what came in between"
        return Row(said, came.tried, len(came.lost) + missing, len(came.beyond), None, note, wrong)

    def _python(self, script: str, *words: str) -> None:
        self._guest.run("/usr/bin/python3", "-I", "-c", script, *words)
