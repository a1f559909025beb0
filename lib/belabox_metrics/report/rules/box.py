"""The box itself: heat, processor, memory, disk, power, and its other traffic."""

from __future__ import annotations

from ...quantity import shown
from ...stream.session import FAILED
from ..observation import INTERRUPTED, Observation, Seen
from ..wording import clock, length
from .episodes import seen
from .readings import at_least, at_most, bad, named, observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..recording import Recording

# The limits of the alerts that the configuration is shipped with.
HOT = 85
BUSY_PERCENT, BUSY_MS = 90, 30_000
LOW_BYTES = 100_000_000
# Of the time, in which all that could run waited for memory.
WAITING_PERCENT = 10
FULL_PERCENT, FULL_BYTES = 99, 50_000_000
# What interfaces send beyond what arrives: at least half as much again, and this much, for so long.
OTHER_TIMES, OTHER_KBPS, OTHER_MS = 1.5, 500, 30_000
# Losses and repetitions explain it, from so many percent on.
LOST_PERCENT, REPEATED_PERCENT = 5, 15
# The next boot tells the last lines of this one.
AFTER_MS = 60_000
HEAT, MEMORY = "heat", "memory"
# Events after which a stream does not arrive, and those after which it does.
_LOST = ("srt_lost", "pipeline_stall", "capture_error", "all_links_down", "relay_unreachable")
_GOOD = ("srt_connected", "link_up")


def box_down(recording: Recording) -> list[Observation]:
    """A session that failed, and whose next run is of another boot."""
    session, course = recording.session, recording.course
    if session.status != FAILED or course.next_boot_ms is None:
        return []
    # What the next boot told of this one is later than its last run.
    told = [event.timestamp_ms for event in recording.events if event.timestamp_ms < course.next_boot_ms]
    last_ms = max([course.last_ms or recording.until_ms, *told[-1:]])
    again = Seen(
        course.next_boot_ms, "runs", f"the next run is of another boot, which began at {clock(course.next_boot_ms)}"
    )
    away_ms = course.next_boot_ms - last_ms
    # A clock that is not set yet may be in the past.
    what = "the box went down" + (f" and was started again {length(away_ms)} later" if away_ms > 0 else "")
    return [
        Observation(
            last_ms,
            recording.until_ms,
            f"{what}; whether power, a crash or a person did it is not recorded",
            [Seen(last_ms, "runs", "the last one of the session"), again],
            harm=INTERRUPTED,
            is_open=True,
        )
    ]


def programs_gone(recording: Recording) -> list[Observation]:
    """A session that failed while the box went on, and nothing was known to be wrong with its connection."""
    course = recording.course
    # Once the runs are rolled up nobody knows of which boot the next one was.
    if recording.session.status != FAILED or course.next_boot_ms is not None or course.last_ms is None:
        return []
    # The last word counts, not the later time: two lines of a log may be of one millisecond.
    told = recording.named(*_LOST, *_GOOD)
    at_ms = recording.until_ms
    what = (
        "the stream ended while it did not arrive"
        if told and told[-1].name in _LOST
        else "the stream's programs were gone, and so was belaUI, which had started them"
    )
    return [Observation(at_ms, at_ms, what, [Seen(at_ms, "sessions", "status failed")], harm=INTERRUPTED, is_open=True)]


def thermal_trip(recording: Recording) -> list[Observation]:
    """`thermal_trip`, also when the next boot tells of it."""
    return [
        Observation(
            event.timestamp_ms,
            event.timestamp_ms,
            f"{event.tags.get('zone', 'the box')} was too hot, so the kernel shut the box down",
            [seen(event)],
            harm=INTERRUPTED,
            family=HEAT,
        )
        for event in recording.events
        if event.name == "thermal_trip" and recording.since_ms <= event.timestamp_ms <= recording.until_ms + AFTER_MS
    ]


def killed(recording: Recording) -> list[Observation]:
    """`oom_kill`."""
    return [
        Observation(
            event.timestamp_ms,
            event.timestamp_ms,
            f"the kernel killed {event.tags.get('process', 'a program')} for want of memory",
            [seen(event)],
            family=MEMORY,
        )
        for event in recording.named("oom_kill")
    ]


def hot(recording: Recording) -> list[Observation]:
    """The hottest zone over the limit of the alert."""
    series = recording.one("cpu.temperature")
    return [
        observed(
            series,
            spell,
            f"the box was hot: {shown(series.name, spell.greatest)} at its hottest",
            f"{HOT} °C or more",
            above=True,
            family=HEAT,
        )
        for spell in bad(recording, series, at_least(HOT), is_steady=False)
        if series
    ]


def throttled(recording: Recording) -> list[Observation]:
    """Heat slowed something down."""
    series = recording.one("thermal.throttled")
    found = []
    for spell in bad(recording, series, lambda point: point.greatest > 0, is_steady=False):
        most = {
            slow.tags.get("device", ""): max([point.greatest for point in points])
            for slow in recording.all("thermal.throttle_percent")
            if (points := slow.within(spell.since_ms, spell.until_ms))
        }
        device = max(most, key=lambda name: most[name], default="")
        what = "heat slowed the box down"
        if device and most[device] > 0:
            what += f" ({device} by {most[device]:.0f} % of its steps)"
        if series:
            found.append(observed(series, spell, what, "slowed down", above=True, family=HEAT))
    return found


def cpu_busy(recording: Recording) -> list[Observation]:
    """All cores together over the limit of the alert for as long as it asks for."""
    series = recording.one("cpu.usage_percent", core="all")
    return [
        observed(
            series,
            spell,
            f"the processor was busy ({shown(series.name, spell.greatest)} at most)",
            f"{BUSY_PERCENT} % or more for {BUSY_MS // 1000} s",
            above=True,
            family="cpu",
        )
        for spell in bad(recording, series, at_least(BUSY_PERCENT), lasting_ms=BUSY_MS, is_steady=False)
        if series
    ]


def memory_short(recording: Recording) -> list[Observation]:
    """Little memory left, or programs that wait for it."""
    found = []
    left = recording.one("memory.available_bytes")
    for spell in bad(recording, left, at_most(LOW_BYTES), is_steady=False):
        if left:
            what = f"memory was short ({shown(left.name, spell.least)} left)"
            limit = f"{shown(left.name, LOW_BYTES)} or less"
            found.append(observed(left, spell, what, limit, above=False, family=MEMORY))
    waits = recording.one("memory.pressure_full_percent")
    for spell in bad(recording, waits, at_least(WAITING_PERCENT), is_steady=False):
        if waits:
            what = f"programs waited for memory {shown(waits.name, spell.greatest)} of the time"
            found.append(observed(waits, spell, what, f"{WAITING_PERCENT} % or more", above=True, family=MEMORY))
    return found


def disk_full(recording: Recording) -> list[Observation]:
    """A file system with nothing left."""
    found: list[Observation] = []
    for name, limit, is_bad, above in (
        ("disk.available_bytes", f"{shown('disk.available_bytes', FULL_BYTES)} or less", at_most(FULL_BYTES), False),
        ("disk.usage_percent", f"{FULL_PERCENT} % or more", at_least(FULL_PERCENT), True),
    ):
        for series in recording.all(name):
            mount = series.tags.get("mount", "")
            if any(one.subject == mount for one in found):
                continue
            for spell in bad(recording, series, is_bad, is_steady=False):
                value = shown(name, spell.greatest if above else spell.least)
                what = f"the disk at {mount} was full ({value} {'used' if above else 'left'})"
                found.append(observed(series, spell, what, limit, above=above, subject=mount, family=f"disk {mount}"))
    return found


def other_traffic(recording: Recording) -> list[Observation]:
    """The links sent far more than arrived as the stream, and neither losses nor repetitions explain it."""
    sent, arrived = recording.one("stream.bitrate_kbps"), recording.one("srt.bitrate_kbps")
    lost, repeated = recording.one("srt.packet_loss_percent"), recording.one("srt.retransmit_percent")
    if sent is None or arrived is None or lost is None:
        return []
    near_ms = 2 * max(sent.interval_ms, arrived.interval_ms)

    def beyond(at_ms: int) -> float:
        out, came, missing = sent.before(at_ms, 0), arrived.before(at_ms, near_ms), lost.before(at_ms, near_ms)
        again = repeated.before(at_ms, near_ms) if repeated else None
        if out is None or came is None or missing is None or out.mean < OTHER_TIMES * came.mean:
            return 0.0
        explained = missing.mean >= LOST_PERCENT or (again is not None and again.mean >= REPEATED_PERCENT)
        return 0.0 if explained else out.mean - came.mean

    found = []
    for spell in bad(recording, sent, lambda point: beyond(point.timestamp_ms) >= OTHER_KBPS, lasting_ms=OTHER_MS):
        most = max([beyond(point.timestamp_ms) for point in spell.points])
        what = f"the links carried {shown(sent.name, most)} more than arrived as the stream: something else was sent"
        one = observed(sent, spell, what, "half as much again as arrived", above=True)
        came = arrived.before(spell.since_ms, near_ms)
        if came:
            one.add(Seen(came.timestamp_ms, named(arrived), f"{shown(arrived.name, came.mean)} arrived"))
        one.seen += _uploads(recording, spell.since_ms, spell.until_ms)
        found.append(one)
    return found


def _uploads(recording: Recording, since_ms: int, until_ms: int) -> list[Seen]:
    """What this program itself sent meanwhile."""
    series = recording.one("uploader.metrics_uploaded_total")
    points = series.within(since_ms - series.interval_ms, until_ms) if series else []
    if len(points) < 2 or points[-1].last <= points[0].last:
        return []
    count = points[-1].last - points[0].last
    return [
        Seen(points[-1].timestamp_ms, "uploader.metrics_uploaded_total", f"{count:.0f} samples were uploaded meanwhile")
    ]
