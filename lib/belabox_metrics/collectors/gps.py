"""`gps`: where the box is, and how well it knows.

Asks gpsd, the daemon that owns the receiver, on its port of this machine (gpsd_json(5), protocol 3): each line is one
JSON object with a `class`; `TPV` is a fix, `SKY` the satellites. Where a box is, is private: this metric is off until
somebody switches it on.
"""

from __future__ import annotations

import _socket
from time import monotonic

from ..errors import ConfigProblem, NoData, SourceProblem, TryLater
from ..json_text import parse as parse_json
from ..sample import Sample
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "gps"
PRIORITY = 2
SETTINGS: Settings = {
    "port": ("count", 2947),
    # For a fix and the satellites; a receiver tells both once a second, and a little later when it was asleep.
    "timeout": ("duration", 3000),
}

HOST = "127.0.0.1"
WATCH = b'?WATCH={"enable":true,"json":true};\n'
LIMIT = 256 * 1024  # bytes read in one run
# (series, field of TPV, what it can be). Altitude is above the sea; field altMSL since gpsd 3.20, alt before.
FIX = (
    ("gps.latitude_degrees", ("lat",), 90),
    ("gps.longitude_degrees", ("lon",), 180),
    ("gps.altitude_meters", ("altMSL", "alt"), 100_000),
    ("gps.speed_meters_per_second", ("speed",), 10_000),
    ("gps.error_meters", ("eph",), 1_000_000),
)
_IN_THE_AIR = 3  # mode: 3 is a fix with altitude, 2 one without, 1 none, 0 not known yet


def collect(world: World) -> Reading:
    """`gps.mode` (1 no fix, 2 without altitude, 3 with), with a fix the five of FIX as far as the receiver tells, and
    `gps.satellites_used` and `gps.satellites_seen`. No fix is no position, never 0 degrees.

    Raises NoData when there is no gpsd or it has no receiver that says anything in time, SourceProblem when something
    else is on that port."""
    port = world.number("port")
    if not 0 < port < 65536:
        raise ConfigProblem("is not a port", where="port")
    latest = _listen(port, world.number("timeout"))
    samples = fix(latest.get("TPV", {})) + sky(latest.get("SKY", {}))
    if not samples:
        raise NoData(f"gpsd on port {port} has no receiver that tells anything")
    return Reading(samples)


def fix(report: dict[str, object]) -> list[Sample]:
    """Samples of a TPV object."""
    mode = _number(report.get("mode"), 0, _IN_THE_AIR)
    if mode is None or int(mode) == 0:
        return []
    samples = [Sample("gps.mode", int(mode))]
    if mode < 2:
        return samples
    for series, fields, most in FIX:
        least = -most if series not in ("gps.speed_meters_per_second", "gps.error_meters") else 0
        values = [_number(report.get(field), least, most) for field in fields]
        value = next((value for value in values if value is not None), None)
        if value is not None and (mode >= _IN_THE_AIR or series != "gps.altitude_meters"):
            samples.append(Sample(series, value))
    return samples


def sky(report: dict[str, object]) -> list[Sample]:
    """Samples of a SKY object, whose list gpsd leaves out now and then: without it nothing is known."""
    listed = report.get("satellites")
    if not isinstance(listed, list):
        return []
    used = [entry for entry in listed if isinstance(entry, dict) and entry.get("used") is True]
    return [Sample("gps.satellites_seen", len(listed)), Sample("gps.satellites_used", len(used))]


def _number(value: object, least: int, most: int) -> float | None:
    """A number within bounds; None for anything else, NaN too."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
        return value
    return None


def _listen(port: int, timeout_ms: int) -> dict[str, dict[str, object]]:
    """The last TPV with a fix or without and the last SKY with a list, as soon as both are there or time is up."""
    deadline = monotonic() + timeout_ms / 1000
    where = f"{HOST}:{port}"
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    latest: dict[str, dict[str, object]] = {}
    rest, size, greeted = b"", 0, False
    try:
        connection.settimeout(timeout_ms / 1000)
        connection.connect((HOST, port))
        connection.sendall(WATCH)
        while size < LIMIT and len(latest) < 2:
            left = deadline - monotonic()
            if left <= 0:
                break
            connection.settimeout(left)
            piece = connection.recv(65536)
            if not piece:
                break
            size += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                report = _report(line, where)
                greeted = greeted or report.get("class") == "VERSION"
                _keep(latest, report)
    except ConnectionRefusedError:
        raise NoData(f"no gpsd on {where}") from None
    except _socket.timeout:
        pass
    except OSError as fault:
        raise TryLater(f"can't be asked: {fault}", where=where) from None
    finally:
        connection.close()
    if not greeted:
        raise SourceProblem("does not answer like gpsd", where=where)
    return latest


def _keep(latest: dict[str, dict[str, object]], report: dict[str, object]) -> None:
    kind = report.get("class")
    if kind == "TPV" and fix(report):
        latest["TPV"] = report
    elif kind == "SKY" and sky(report):
        latest["SKY"] = report


def _report(line: bytes, where: str) -> dict[str, object]:
    try:
        report = parse_json(line.decode("utf-8", "backslashreplace"))
    except ValueError:
        report = None
    if not isinstance(report, dict):
        raise SourceProblem("does not answer like gpsd", where=where)
    return report
