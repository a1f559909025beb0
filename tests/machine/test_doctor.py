"""doctor and status on a box that runs; the man page and the completion where their readers look."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .machine import Machine, booted

pytestmark = pytest.mark.machine

CONFIG = "/etc/belabox-metrics/config.yaml"
TREE = "/usr/lib/belabox-metrics"
TIMER = "belabox-metrics@memory.usage.timer"
SOCKET = "belabox-metrics-health.socket"
# Of a container on a machine that is none of ours: its clock and the disk of the host.
MEASURED = ("configuration", "units", "files", "database", "server")


@pytest.fixture(scope="module")
def box(machine_name: str) -> Iterator[Machine]:
    """Not the shared machine: this one is made ill."""
    with booted(f"{machine_name}-doctor") as machine:
        machine.run("/src/install.sh", timeout=300)
        yield machine


def examined(box: Machine, *words: str) -> dict[str, Any]:
    only = [word for group in MEASURED for word in ("--only", group)]
    found: dict[str, Any] = json.loads(
        box.run("belabox-metrics", "doctor", "--json", *only, *words, check=False).stdout
    )
    return found


def faults(found: dict[str, Any]) -> list[str]:
    return [f"{it['where']}: {it['what']}" for it in found["findings"] if it["level"] != "ok"]


def test_a_fresh_installation_has_nothing(box: Machine) -> None:
    found = examined(box)
    assert faults(found) == []
    assert found["ok"] is True


def test_what_is_broken_is_found_repaired_and_gone(box: Machine) -> None:
    box.run("chmod", "666", CONFIG)
    box.run("chown", "root:root", "/var/lib/belabox-metrics/metrics.db")
    box.run("rm", "-r", f"{TREE}/lib/belabox_metrics/__pycache__")
    box.run("rm", f"/etc/systemd/system/{TIMER}")
    box.run("sh", "-c", "echo '# edited' >> /usr/lib/systemd/system/belabox-metrics@.service")
    found = faults(examined(box))
    for told in (
        f"{CONFIG}: can be written by others",
        "/var/lib/belabox-metrics/metrics.db: belongs to root, not to metrics",
        f"{TREE}/lib: ",
        "/etc/systemd/system: 1 files are not what the configuration makes of them",
        "/usr/lib/systemd/system: 1 are missing or of another version, as belabox-metrics@.service",
    ):
        assert any(line.startswith(told) for line in found), (told, found)
    left = examined(box, "--repair")
    assert len(left["repaired"]) >= 4
    # The one that needs the files of the installation; jobs that failed meanwhile are well with their next run.
    units = "/usr/lib/systemd/system"
    box.wait_until(lambda: [line.partition(":")[0] for line in faults(examined(box))] == [units], str(faults(left)))
    box.run("sh", "-c", "cp /src/units/belabox-metrics@.service /usr/lib/systemd/system/ && systemctl daemon-reload")
    assert faults(examined(box)) == []


def test_without_root_it_says_what_it_can_not_see(box: Machine) -> None:
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    done = box.run(*as_nobody, "belabox-metrics", "doctor", check=False)
    assert "use sudo" in done.stdout
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    assert box.run(*as_nobody, "belabox-metrics", "doctor", "--repair", check=False).returncode == 2


def test_a_masked_socket_a_stopped_target_a_failed_unit(box: Machine) -> None:
    box.run("systemctl", "mask", "--now", "--runtime", SOCKET)
    box.run("systemctl", "stop", "belabox-metrics.target")
    box.run("systemd-run", "--unit=belabox-metrics-made-up", "false", check=False)
    box.wait_until(lambda: box.systemctl("is-failed", "belabox-metrics-made-up.service", check=False) == "failed")
    found = "\n".join(faults(examined(box)))
    assert f"{SOCKET}: is masked" in found
    assert "belabox-metrics.target: is not active: nothing is collected" in found
    assert "belabox-metrics-made-up.service: failed (exit-code)" in found
    box.run("systemctl", "unmask", "--runtime", SOCKET)
    box.run("systemctl", "reset-failed")
    box.run("systemctl", "start", "belabox-metrics.target")
    assert faults(examined(box)) == []


def test_status_tells_when_each_metric_runs_next(box: Machine) -> None:
    def told() -> list[int]:
        found = json.loads(box.run("belabox-metrics", "status", "--json").stdout)
        live = {name for name, state in found["states"].items() if state != "off"}
        return list(found["next_run_in_ms"].values()) if set(found["next_run_in_ms"]) == live else []

    # Of one that is at work just now the manager does not know it.
    assert max(box.wait_until(told)) <= 3_600_000


def test_a_refused_configuration_shows_everywhere(box: Machine) -> None:
    before = box.run("cat", CONFIG).stdout
    box.run("sh", "-c", f"echo 'no_such: 1' >> {CONFIG}")

    def told() -> str:
        said = json.loads(box.run("belabox-metrics", "status", "--json").stdout)
        return str(said.get("configuration", {}).get("message", ""))

    assert "no_such" in box.wait_until(told)
    assert "no_such" in box.run("belabox-metrics", "status").stdout
    assert "no_such" in json.loads(box.http_get("/health").body)["configuration"]["message"]
    assert any("no_such" in line for line in faults(examined(box)))
    box.run("tee", CONFIG, input=before)
    box.wait_until(lambda: not told())


def test_the_manual_is_where_its_readers_look(box: Machine) -> None:
    page = box.run("cat", "/usr/share/man/man1/belabox-metrics.1").stdout
    assert page.startswith('.\\" ')
    assert "@" not in page.replace("belabox-metrics@", "")
    said = box.run(
        "bash",
        "-c",
        "source /usr/share/bash-completion/completions/belabox-metrics;"
        " COMP_WORDS=(belabox-metrics collect memory.); COMP_CWORD=2; _belabox_metrics; echo ${COMPREPLY[*]}",
    )
    assert said.stdout.strip() == "memory.usage"
    box.run("/src/install.sh", "--uninstall", timeout=120)
    gone = box.run(
        "sh", "-c", "ls /usr/share/man/man1/belabox* /usr/share/bash-completion/completions/belabox*", check=False
    )
    assert gone.stdout == ""
