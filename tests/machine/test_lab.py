"""The lab itself: what it gives, and that nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .machine import COMMAND, PATIENCE_S, Machine, booted

pytestmark = pytest.mark.machine


@pytest.fixture
def name(machine_name: str, request: pytest.FixtureRequest) -> str:
    return f"{machine_name}-{abs(hash(request.node.name)) % 1000}"


def processes(name: str) -> list[str]:
    """What the machine consists of, known by its cgroup, and what was started for it, by its arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            cgroups = (process / "cgroup").read_text()
            arguments = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            dead = (process / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            continue
        # A dead one waits for a parent that isn't ours to look: it has no memory, no files, no namespaces.
        if not dead and (f"belabox-machine.{name}/" in cgroups or f" {name} " in arguments + " "):
            found.append(f"{process.name} {arguments}")
    return found


def mounts() -> set[str]:
    return {line.split(" ", 5)[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}


def links() -> set[str]:
    return set(os.listdir("/sys/class/net"))


def cgroups(name: str) -> list[Path]:
    return [path for path in Path("/sys/fs/cgroup").glob("**/belabox-machine.*") if path.name.endswith(name)]


class Host:
    """The host as it was, to compare with."""

    def __init__(self) -> None:
        self.mounts = mounts()
        self.links = links()
        self.files = sorted(Path("/run/systemd").glob("nspawn/*/*"))

    def assert_nothing_left_of(self, name: str) -> None:
        assert processes(name) == []
        # Another process of the tests may have some of its own.
        assert {path for path in mounts() - self.mounts if not path.startswith(("/dev/shm/", "/tmp/pytest-"))} == set()
        assert links() == self.links
        assert sorted(Path("/run/systemd").glob("nspawn/*/*")) == self.files


def test_a_machine_is_complete_and_nothing_stays_behind(name: str) -> None:
    host = Host()
    with booted(name) as machine:
        assert processes(name)
        assert machine.systemctl("is-system-running") == "running"
        assert machine.run("hostname").stdout.strip() == name
        assert "setup.cfg" in machine.run("ls", "/src").stdout
        assert machine.run("touch", "/src/setup.cfg", check=False).returncode != 0
        machine.wait_until(lambda: listens_at(machine, "127.0.0.1:8428"))
        assert machine.http_get("/health", port=8428).body == "OK"
    host.assert_nothing_left_of(name)
    assert cgroups(name) == []


def test_it_has_an_uplink_with_traffic_and_keeps_its_ports_to_itself(name: str) -> None:
    with booted(name) as machine:
        before = received_bytes(machine)
        machine.wait_until(lambda: received_bytes(machine) > before)
        machine.wait_until(lambda: listens_at(machine, "127.0.0.1:8428"))
        assert all(address.startswith("127.0.0.1:") for address in listeners(machine))


def received_bytes(machine: Machine) -> int:
    return int(machine.run("cat", "/sys/class/net/eth0/statistics/rx_bytes").stdout)


def listeners(machine: Machine) -> list[str]:
    return [line.split()[3] for line in machine.run("ss", "-tlnH").stdout.splitlines()]


def listens_at(machine: Machine, address: str) -> bool:
    return address in listeners(machine)


def test_each_boot_is_a_fresh_copy(name: str) -> None:
    with booted(name) as machine:
        machine.run("touch", "/etc/was-here", "/var/was-here")
        first_id = machine.run("cat", "/etc/machine-id").stdout
    with booted(name) as machine:
        assert machine.run("ls", "/etc/was-here", "/var/was-here", check=False).stdout == ""
        assert machine.run("cat", "/etc/machine-id").stdout != first_id


def test_two_machines_do_not_meet(name: str) -> None:
    with booted(name + "a") as one, booted(name + "b") as two:
        one.run("touch", "/etc/was-here")
        assert two.run("ls", "/etc/was-here", check=False).returncode
        again: list[str | Path] = [COMMAND, "boot", one.name]
        refused = subprocess.run(again, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert refused.returncode == 1
        assert b"already running" in refused.stderr


def test_commands_keep_their_input_output_and_exit_code(name: str) -> None:
    with booted(name) as machine:
        assert machine.run("cat", input="några rader\n").stdout == "några rader\n"
        failed = machine.run("sh", "-c", "echo no >&2; exit 7", check=False)
        assert (failed.returncode, failed.stderr) == (7, "no\n")
        with pytest.raises(AssertionError, match="exit code 7"):
            machine.run("sh", "-c", "exit 7")
        machine.run("logger", "-t", "lab", "åäö")
        assert machine.wait_until(lambda: machine.journal("SYSLOG_IDENTIFIER=lab"))[0]["MESSAGE"] == "åäö"


def test_a_failing_test_leaves_nothing_behind(name: str) -> None:
    host = Host()
    with pytest.raises(ZeroDivisionError), booted(name):
        _ = 1 / 0
    host.assert_nothing_left_of(name)


def test_the_stop_command_leaves_nothing_behind(name: str) -> None:
    host = Host()
    with booted(name):
        subprocess.run([COMMAND, "stop", name], check=True)
    host.assert_nothing_left_of(name)


SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL]


@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
def test_a_killed_boot_command_leaves_nothing_behind(name: str, how: signal.Signals) -> None:
    host = Host()
    # Its standard input stays open all the while: the end is to come from the signal alone.
    with boot_command(name) as process:
        wait_until_ready(process)
        assert processes(name)
        process.send_signal(how)
        process.wait(30)
        wait_until_gone(name)
        host.assert_nothing_left_of(name)


def test_a_killed_boot_that_was_not_up_yet_leaves_nothing_behind(name: str) -> None:
    host = Host()
    for seconds in (0.01, 0.05, 0.1, 0.15, 0.2, 0.3):
        with boot_command(name) as process:
            time.sleep(seconds)
            process.kill()
            process.wait(5)
            wait_until_gone(name)
            host.assert_nothing_left_of(name)


def test_leavings_of_a_kill_are_swept_by_the_next_that_ends(name: str) -> None:
    with boot_command(name) as process:
        wait_until_ready(process)
        process.kill()
    with booted(name + "-next"):
        pass
    assert cgroups(name) == []


def boot_command(name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([COMMAND, "boot", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout
    assert process.stdout.readline().startswith(b"ready")


def wait_until_gone(name: str) -> None:
    """A SIGKILL goes down a chain of parents and children, each seeing to the next."""
    deadline = time.monotonic() + PATIENCE_S
    while processes(name) and time.monotonic() < deadline:
        time.sleep(0.02)
