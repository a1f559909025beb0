"""A person's own metric on a booted system: its timer, its sandbox, and what is said when it is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .machine import Machine
from .test_pipeline import collected

pytestmark = pytest.mark.machine

CONFIG = "/etc/belabox-metrics/config.yaml"
PROGRAM = "/etc/belabox-metrics/collectors.d/probe"
ENTRY = "\n  - {name: my.probe, interval: 1h, exec: probe}\n"
# 1 for what works in there, 0 for what does not.
SCRIPT = """#!/bin/bash
can() {
    what=$1 does=0
    "${@:2}" 2>/dev/null >&2 && does=1
    echo "my.can{what=\\"$what\\"} $does"
}
can read_proc cat /proc/net/dev
can run_programs uname
can use_network bash -c 'exec 3<>/dev/tcp/127.0.0.1/9100'
can write_tmp touch /tmp/probe
can write_configuration touch /etc/belabox-metrics/probe
can read_secrets cat /etc/shadow
can become_root test "$(id -u)" = 0
echo my.wrong line
"""


@pytest.fixture
def probed(machine: Machine) -> Iterator[Machine]:
    before = machine.run("cat", CONFIG).stdout
    machine.run("tee", PROGRAM, input=SCRIPT)
    machine.run("chmod", "755", PROGRAM)
    yield machine
    machine.run("rm", "-f", PROGRAM)
    machine.run("tee", CONFIG, input=before)
    machine.run("belabox-metrics", "apply")


def test_a_program_in_its_sandbox(probed: Machine) -> None:
    machine = probed
    machine.run("tee", "-a", CONFIG, input=ENTRY)
    machine.run("belabox-metrics", "apply")
    assert machine.systemctl("is-active", "belabox-metrics@my.probe.timer") == "active"
    values = collected(machine, "my.probe")
    can = {series.split('"')[3]: value for series, value in values.items()}
    assert {what for what, value in can.items() if value} == {"read_proc", "run_programs"}
    assert set(can) >= {"use_network", "write_tmp", "write_configuration", "read_secrets", "become_root"}
    (warning,) = machine.journal("BELABOX_METRIC=my.probe", "PRIORITY=4")
    assert f"{PROGRAM}: line 8: 'line' is not a number" in warning["MESSAGE"]
    # Root by hand has no sandbox around it, but is not root in there either.
    by_hand = machine.run("belabox-metrics", "collect", "my.probe", "--dry-run").stdout
    assert 'my.can{what="become_root"} 0' in by_hand
    assert 'my.can{what="read_secrets"} 0' in by_hand
    assert 'my.can{what="use_network"} 1' in by_hand
    # What others could change is not run any more: the next change of the configuration says so.
    machine.run("chmod", "777", PROGRAM)
    said = machine.run("belabox-metrics", "check", check=False)
    assert said.returncode == 78
    assert f"{PROGRAM}: can be written by others than its owner (chmod go-w" in said.stderr
