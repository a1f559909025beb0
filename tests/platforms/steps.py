"""What a new user does with a box, one function a step, each with the commands as the pages print them.

A step gets a booted machine with a copy of this repository, and fails with an AssertionError that a person can read.
They build on each other: those of `SCRIPT` on one machine, in that order, those of `PACKAGE` on another.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from tests.platforms.printed import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.machine.machine import Machine

COPY = "/root/belabox-metrics"
CONFIG = "/etc/belabox-metrics/config.yaml"
STATE = "/var/lib/belabox-metrics"
TIMER = "belabox-metrics@cpu.usage.timer"
WANTS_A_TOKEN = "http://127.0.0.1:9090/api/v1/import"
NEWER = "9.9.9"
# Of systemd and dpkg, and changed by every unit, account or package.
NOT_OURS = "/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?|/var/lib/systemd/(catalog|timers|timesync|random).*"


class Step(NamedTuple):
    title: str
    do: Callable[[Machine], None]


def shell(box: Machine, line: str, *, check: bool = True, timeout: float = 300) -> str:
    """What `line` printed, run in the copy of the repository, as somebody who types it."""
    done = box.run("bash", "-c", f"cd {COPY} && {line}", check=False, timeout=timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode} of: {line}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def prepare(box: Machine) -> None:
    """A copy of the repository, a sudo, and the server of the examples under its name."""
    box.run("cp", "-r", "/src", COPY, timeout=120)
    box.run("sh", "-c", "printf '#!/bin/sh\\nexec \"$@\"\\n' >/usr/local/bin/sudo; chmod 755 /usr/local/bin/sudo")
    box.run("sh", "-c", "echo 127.0.0.1 metrics.example.com >>/etc/hosts")
    box.run("sh", "-c", f"find /usr /etc /var/lib {_KNOWN} >/root/before")


_FOREIGN = (NOT_OURS, ".*/__pycache__.*", "/var/lib/(apt|dpkg|victoria-metrics)/.*")
_KNOWN = f"-xdev -regextype egrep -not -regex '({'|'.join(_FOREIGN)})'"


# ---- with the script ----


def try_it(box: Machine) -> None:
    """From the copy, before anything is installed."""
    said = shell(box, command("python3 jobs/collect.py cpu.usage --root"))
    assert said.startswith("cpu.usage"), said
    assert not box.systemctl("list-units", "--all", "--no-legend", "belabox-metrics*")


def install(box: Machine) -> None:
    assert "belabox-metrics is at work" in shell(box, command("sudo ./install.sh --remote http"))


def first_samples(box: Machine) -> None:
    assert TIMER in shell(box, command("systemctl list-timers"))
    assert "cpu.usage" in shell(box, command("belabox-metrics status"))
    assert "cpu.usage" in shell(box, command("belabox-metrics query cpu.usage"))
    records = command("journalctl BELABOX_METRIC=cpu.usage")
    box.wait_until(lambda: "cpu.usage: " in shell(box, records, check=False), f"records: {records}")
    assert "|" in shell(box, command("sqlite3 -readonly"))
    box.wait_until(lambda: health(box)["status"] == "ok", "/health says ok")
    ask = "python3 -I /src/tests/machine/ask.py http://127.0.0.1:8428 'cpu_usage_percent{core=\"all\"}'"
    box.wait_until(lambda: "cpu_usage_percent" in shell(box, ask, check=False), "samples at the server")


def doctor(box: Machine) -> None:
    """Without a problem, if not at once: what has begun a moment ago may not have had its turn on a machine at work."""
    asked = command("sudo belabox-metrics doctor")
    box.wait_until(lambda: "no problems" in shell(box, asked, check=False), asked)
    assert "Traceback" not in shell(box, asked, check=False)


def change_an_interval(box: Machine) -> None:
    schedule = timer(box)
    set_interval(box, "1s")
    box.wait_until(lambda: timer(box) != schedule, "another timer")
    before = count(box)
    box.wait_until(lambda: count(box) >= before + 3, "a sample a second")


def break_and_mend_the_configuration(box: Machine) -> None:
    right, schedule = box.run("cat", CONFIG).stdout, timer(box)
    set_interval(box, "fast")
    line = box.run("grep", "-n", "interval: fast", CONFIG).stdout.partition(":")[0]
    told = f"{CONFIG}:{line}"
    status = command("systemctl status belabox-metrics-apply")
    box.wait_until(lambda: told in shell(box, status, check=False), f"{status} shows {told}")
    assert timer(box) == schedule
    assert told in shell(box, command("belabox-metrics check FILE").replace("FILE", CONFIG), check=False)
    before = count(box)
    box.wait_until(lambda: count(box) >= before + 2, "samples in spite of the mistake")
    box.run("tee", CONFIG, input=right)
    box.wait_until(lambda: told not in shell(box, status, check=False).splitlines()[-1], "the mistake is gone")
    box.wait_until(lambda: health(box)["status"] == "ok", "/health says ok again")


def set_a_remote_with_a_token(box: Machine) -> None:
    box.run("sh", "-c", "umask 077; echo a-secret-of-ours >/root/token")
    receiver = f"belabox-metrics receiver --token /root/token --port {WANTS_A_TOKEN.split(':')[2].partition('/')[0]}"
    box.run("systemd-run", "--quiet", "--unit=receiver", *receiver.split())
    shell(box, command("sudo ./install.sh --token-file FILE").replace("FILE", "/root/token"))
    line = command("auth: {type: bearer_token}")
    box.run("sed", "-i", rf"/^remote:/a\  {line}", CONFIG)
    shell(box, f"sudo ./install.sh --remote {WANTS_A_TOKEN}")
    box.wait_until(lambda: " 204 POST" in box.run("journalctl", "-u", "receiver").stdout, "an accepted upload")
    assert "a-secret-of-ours" not in box.run("journalctl", "--all", "--output=export").stdout


def set_up_by_one_file(box: Machine) -> None:
    """As each box of a fleet, and over what was there."""
    box.run("tee", f"{COPY}/fleet.env", input="BELABOX_METRICS_REMOTE_UPLOAD_INTERVAL=20s\n")
    box.run("cp", "/root/token", f"{COPY}/token")
    shell(box, command("sudo ./install.sh --settings fleet.env"))
    assert "OnUnitInactiveSec=20s" in box.systemctl("cat", "belabox-metrics-upload.timer")


def upgrade(box: Machine) -> None:
    """While a metric is collected each second."""
    stored, kept, run = count(box), box.run("cat", CONFIG).stdout, last_run(box)
    make_newer(box)
    shell(box, command("sudo ./install.sh --remote").partition(" --")[0])
    box.wait_until(lambda: health(box)["version"] == NEWER, f"/health says {NEWER}")
    box.wait_until(lambda: count(box) > stored, "samples go on")
    assert box.run("cat", CONFIG).stdout == kept
    assert_nothing_failed(box, run)


def uninstall(box: Machine) -> None:
    stored = count(box)
    shell(box, command("sudo ./install.sh --uninstall"))
    assert box.systemctl("list-units", "--all", "--no-legend", "belabox-metrics*") == ""
    assert count(box) >= stored
    box.run("test", "-s", CONFIG)


def purge(box: Machine) -> None:
    shell(box, "./install.sh")
    shell(box, command("sudo ./install.sh --uninstall --purge"))
    assert_nothing_left(box)


# ---- with the package ----


def package(box: Machine) -> None:
    shell(box, f"sed -i 's/^__version__ = .*/__version__ = \"0.0.9\"/' {COPY}/lib/belabox_metrics/__init__.py")
    shell(box, command("./install.sh --package"))
    shell(box, command("sudo apt install ./belabox-metrics_"))
    box.wait_until(lambda: count(box) > 0, "first samples")
    assert "cpu.usage" in shell(box, command("belabox-metrics status"))
    doctor(box)


def package_upgrade(box: Machine) -> None:
    make_newer(box)
    shell(box, f"rm {COPY}/*.deb")
    shell(box, command("./install.sh --package"))
    # Jobs run while it is upgraded.
    set_interval(box, "1s")
    before = count(box)
    box.wait_until(lambda: count(box) >= before + 3, "a sample a second")
    stored = count(box)
    shell(box, command("sudo apt install ./belabox-metrics_"))
    box.wait_until(lambda: health(box)["version"] == NEWER, f"/health says {NEWER}")
    box.wait_until(lambda: count(box) > stored, "samples go on")
    assert_nothing_failed(box)


def package_removal(box: Machine) -> None:
    stored = count(box)
    shell(box, command("sudo apt remove belabox-metrics") + " -y")
    assert count(box) >= stored
    shell(box, command("sudo apt purge belabox-metrics") + " -y")
    assert_nothing_left(box)


SCRIPT = (
    Step("one collection of a bare copy", try_it),
    Step("install by the script", install),
    Step("first samples, on the box and at the server", first_samples),
    Step("doctor", doctor),
    Step("change an interval", change_an_interval),
    Step("break the configuration, mend it", break_and_mend_the_configuration),
    Step("a server that wants a token", set_a_remote_with_a_token),
    Step("settings in a file, as for a fleet", set_up_by_one_file),
    Step("upgrade by the script", upgrade),
    Step("uninstall", uninstall),
    Step("purge", purge),
)
PACKAGE = (
    Step("install by the package", package),
    Step("upgrade by the package", package_upgrade),
    Step("remove and purge the package", package_removal),
)


# ---- what they share ----


def set_interval(box: Machine, interval: str) -> None:
    box.run("sed", "-i", f"/name: cpu.usage/,/interval:/s/interval: [^ ]*/interval: {interval}/", CONFIG)


def make_newer(box: Machine) -> None:
    box.run("sed", "-i", f's/^__version__ = .*/__version__ = "{NEWER}"/', f"{COPY}/lib/belabox_metrics/__init__.py")


def timer(box: Machine) -> str:
    return box.systemctl("cat", TIMER)


def health(box: Machine) -> dict[str, str]:
    answer: dict[str, str] = json.loads(shell(box, f"{command('curl http://127.0.0.1:9100/health')} -sS 2>/dev/null"))
    return answer


def count(box: Machine) -> int:
    """How often cpu.usage is stored, whatever its number of cores."""
    if box.run("test", "-e", f"{STATE}/metrics.db", check=False).returncode != 0:
        return 0
    rows = box.sql("SELECT count(DISTINCT timestamp_ms) AS n FROM metrics WHERE metric_name LIKE 'cpu.usage%'")
    return int(rows[0]["n"])


def last_run(box: Machine) -> int:
    return int(box.sql("SELECT max(id) AS id FROM runs")[0]["id"])


def assert_nothing_failed(box: Machine, since: int = 0) -> None:
    assert box.systemctl("list-units", "--failed", "--no-legend", "belabox-metrics*") == ""
    failed = box.sql(f"SELECT error FROM runs WHERE outcome = 2 AND id > {since}")
    assert failed == [], failed


def assert_nothing_left(box: Machine) -> None:
    """Of the paths that were not there before it was installed."""
    now = set(shell(box, f"find /usr /etc /var/lib {_KNOWN}").splitlines())
    left = now - set(box.run("cat", "/root/before").stdout.splitlines())
    assert not left, " ".join(sorted(left))
