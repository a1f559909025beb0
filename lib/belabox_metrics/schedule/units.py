"""Unit files that the configuration decides on, as texts."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING

from ..config import address
from ..config.duration import HOUR, MINUTE, SECOND, spell
from ..config.keys import DEFAULT_DATABASE, DEFAULT_LISTEN
from ..health.access import NETWORKS, TOKEN_FILE
from . import phase, relays, secrets
from .plan import timings

if TYPE_CHECKING:
    from ..config.configuration import Configuration
    from .plan import Timing

TARGET = "belabox-metrics.target"
WANTS = f"{TARGET}.wants"
COLLECT = "belabox-metrics@{}.timer"
UPLOAD = "belabox-metrics-upload.timer"
CLOCK = "belabox-metrics-clock.timer"
MAINTAIN = "belabox-metrics-maintain.timer"
SOCKET = "belabox-metrics-health.socket"
URGENT = "belabox-metrics-urgent.path"
# Shipped, and pulled in where the configuration asks for them.
OPTIONAL = (SOCKET, URGENT)
HEALTH_SERVICE = "belabox-metrics-health.service"
_RECOVER = "belabox-metrics-recover.path"

# A prefix with a dash holds for all names it begins, but not for templates: each of these has its own.
_SERVICES = ("belabox-metrics@.service", "belabox-metrics-.service", "belabox-metrics-failed@.service")
_DROP_IN = "{}.d/50-configured.conf"
# Another name: systemd takes one of a name only, that of the unit before that of the prefix.
_SECRETS = tuple(f"belabox-metrics-{job}.service.d/60-secrets.conf" for job in ("upload", "clock"))
SOCKET_DROP_IN = _DROP_IN.format(SOCKET)
_ACCESS = f"{HEALTH_SERVICE}.d/60-access.conf"
# The sandbox lets the job write where the archive is.
_ARCHIVE = "belabox-metrics-maintain.service.d/60-archive.conf"
DROP_INS = (
    *(_DROP_IN.format(unit) for unit in (*_SERVICES, SOCKET, URGENT, _RECOVER)),
    *(_ARCHIVE, _ACCESS, *_SECRETS, *relays.DROP_INS),
)

# By its first line a file is known to be ours.
HEADER = "# Written by `belabox-metrics apply`: edits are lost. What it says comes from config.yaml.\n"

_LOG_LEVELS = {"debug": "debug", "warn": "warning", "error": "err"}


def timer_names(configuration: Configuration) -> list[str]:
    """The timers that are to run."""
    names = [COLLECT.format(timing.metric.name) for timing in timings(configuration)]
    return [*names, *([UPLOAD, CLOCK] if configuration.uploads else []), MAINTAIN]


def render(configuration: Configuration, systemd: int = 0) -> dict[str, str]:
    """Path below the directory of units -> text, for all files that there should be. `systemd`: its version, 0 when
    that is not known."""
    files = {COLLECT.format(timing.metric.name): _collect(timing) for timing in timings(configuration)}
    if configuration.uploads:
        turn = phase.of(configuration.device_id)
        files[UPLOAD] = _upload(configuration.values.integer("remote.upload_interval"), turn)
        files[CLOCK] = _clock(configuration.values.integer("monitoring.clock_skew_check_interval"), turn)
    files[MAINTAIN] = _maintain(configuration.values.integer("storage.wal_checkpoint_interval"))
    if systemd >= _LIMITS_PATHS:
        paths = [URGENT, _RECOVER] if configuration.uploads else [_RECOVER]
        files.update({_DROP_IN.format(path): f"{HEADER}{_NO_TRIGGER_LIMIT}" for path in paths})
    services = _services(configuration)
    if services:
        files.update({_DROP_IN.format(unit): services for unit in _SERVICES})
    handed = secrets.lines(configuration)
    if handed:
        files.update(dict.fromkeys(_SECRETS, f"{HEADER}[Service]\n{handed}"))
    for path, lines in relays.drop_ins(configuration).items():
        files[path] = f"{HEADER}[Service]\n{lines}"
    archive = configuration.values.text("storage.archive.path")
    if archive and configuration.values.flag("storage.archive.enabled"):
        # A directory that is not there, on a disk that is not, must not keep the job from all its other work.
        files[_ARCHIVE] = f"{HEADER}[Service]\nReadWritePaths=-{quoted(archive)}\n"
    if configuration.listen != DEFAULT_LISTEN:
        files[SOCKET_DROP_IN] = _socket(configuration)
    if _is_reached_by_others(configuration.listen):
        files[_ACCESS] = f"{HEADER}[Service]\n{_access(configuration)}"
    return files


# From this version on two hundred starts in two seconds make a path fail until somebody restarts it. That its service
# is no busy loop is seen to by ExecStopPost= of that. An older one has no such limit, and does not know the line.
_LIMITS_PATHS = 250
_NO_TRIGGER_LIMIT = "[Path]\nTriggerLimitIntervalSec=0\n"


def wanted(configuration: Configuration) -> list[str]:
    """The units that the target is to pull in."""
    urgent = [URGENT] if configuration.uploads else []
    health = [SOCKET] if configuration.values.flag("health.enabled") else []
    return timer_names(configuration) + urgent + health


def quoted(text: str) -> str:
    """Any text without control characters as one word of a unit file."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


# A target that is restarted a few times in a row must not leave its timers failed for good.
NO_START_LIMIT = "StartLimitIntervalSec=0"


def _collect(timing: Timing) -> str:
    every = spell(timing.metric.interval_ms)
    if timing.calendar:
        when = "".join(f"OnCalendar={expression}\n" for expression in timing.calendar)
        # That the clock is set back while the collector is at work is not noticed (systemd#6036): the timer
        # waits until it is as late as it was. This comes before a second run is left out, and never before one in time.
        when += f"OnUnitActiveSec={_seconds(timing.metric.interval_ms * 3 // 2)}\n"
    else:
        # OnActiveSec= would be shorter, but starts again at every reload.
        when = f"OnBootSec={_seconds(timing.first_after_boot_ms)}\n"
        when += f"OnUnitActiveSec={_seconds(timing.metric.interval_ms)}\n"
    return f"""{HEADER}[Unit]
Description=Collect {timing.metric.name} every {every}
After=sysinit.target
Before=shutdown.target
Conflicts=shutdown.target
# The defaults make a calendar timer wait until the clock is set: a box without network would never sample.
DefaultDependencies=no
PartOf={TARGET}
Requires=sysinit.target
{NO_START_LIMIT}

[Timer]
AccuracySec=1ms
{when}"""


# Boxes that get their power together should not send together: each waits for its own part of the first interval.
_AFTER_BOOT = {UPLOAD: 45 * SECOND, CLOCK: 60 * SECOND}


def _first(timer: str, interval_ms: int, turn_ms: int) -> str:
    return _seconds(_AFTER_BOOT[timer] + turn_ms % interval_ms)


def _upload(interval_ms: int, turn_ms: int) -> str:
    return f"""{HEADER}[Unit]
Description=Send samples every {spell(interval_ms)}
PartOf={TARGET}
{NO_START_LIMIT}

[Timer]
AccuracySec=1s
OnBootSec={_first(UPLOAD, interval_ms, turn_ms)}
# From the end of one upload to the start of the next, so that a slow uplink is not flooded.
OnUnitInactiveSec={_seconds(interval_ms)}
# Nor should they fall into step later.
RandomizedDelaySec={_seconds(max(interval_ms // 10, 1))}
"""


def _clock(interval_ms: int, turn_ms: int) -> str:
    return f"""{HEADER}[Unit]
Description=Compare the clock with the server's every {spell(interval_ms)}
PartOf={TARGET}
{NO_START_LIMIT}

[Timer]
AccuracySec=1s
OnBootSec={_first(CLOCK, interval_ms, turn_ms)}
OnUnitInactiveSec={_seconds(interval_ms)}
# Boxes that were switched on together should not ask together.
RandomizedDelaySec={_seconds(max(interval_ms // 10, 1))}
"""


def _maintain(interval_ms: int) -> str:
    return f"""{HEADER}[Unit]
Description=Tidy up the database of samples every {spell(interval_ms)}
PartOf={TARGET}
{NO_START_LIMIT}

[Timer]
AccuracySec={_seconds(MINUTE if interval_ms >= HOUR else SECOND)}
OnBootSec=10min
OnUnitInactiveSec={_seconds(interval_ms)}
"""


def _services(configuration: Configuration) -> str:
    """What differs from the shipped services, "" for nothing."""
    unit = service = ""
    database = configuration.database
    if database != DEFAULT_DATABASE:
        directory = quoted(os.path.dirname(database))
        unit = f"[Unit]\nRequiresMountsFor={directory}\n\n"
        service = f"Environment={quoted('BELABOX_METRICS_DATABASE=' + database)}\nReadWritePaths=-{directory}\n"
    level = _LOG_LEVELS.get(configuration.values.text("logging.level"))
    if level:
        service += f"LogLevelMax={level}\n"
    return f"{HEADER}{unit}[Service]\n{service}" if service else ""


def _socket(configuration: Configuration) -> str:
    text = f"{HEADER}[Socket]\nListenStream=\nListenStream={configuration.listen}\n"
    if _is_reached_by_others(configuration.listen):
        # The shipped socket answers this box alone. Who has no token to show does not even get a refusal.
        for network in ["any"] if configuration.token_file else configuration.allowed:
            text += f"IPAddressAllow={network}\n"
        if not ipaddress.ip_address(address.split(configuration.listen)[0]).is_unspecified:
            text += "# The address may come later than the socket, or go and come back.\nFreeBind=yes\n"
    return text


def _is_reached_by_others(listen: str) -> bool:
    return not ipaddress.ip_address(address.split(listen)[0]).is_loopback


def _access(configuration: Configuration) -> str:
    """What health/access.py reads."""
    text = f"Environment={quoted(f'{NETWORKS}={chr(32).join(configuration.allowed)}')}\n"
    if configuration.token_file:
        text += f"Environment={quoted(f'{TOKEN_FILE}={configuration.token_file}')}\n"
    return text + secrets.health_lines(configuration)


def _seconds(ms: int) -> str:
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms}ms"
