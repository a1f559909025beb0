"""The Debian package, by dpkg itself: installed, upgraded while jobs run, refused, removed, purged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .machine import DATABASE, Machine, booted

pytestmark = pytest.mark.machine

CONFIG = "/etc/belabox-metrics/config.yaml"
OLD, NEW = "/root/belabox-metrics_0.0.9_all.deb", "/root/belabox-metrics_{}_all.deb"
PLACES = "/usr /etc /var/lib/belabox-metrics /var/lib/systemd"
# What belongs to systemd, dpkg and the like, and changes with every unit or account.
NOT_OURS = "/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?|/var/lib/systemd/(catalog|timers|timesync|random).*"


@pytest.fixture(scope="module")
def own(machine_name: str) -> Iterator[Machine]:
    """With the package of this version and one of an earlier one, which has another default and one module more."""
    with booted(f"{machine_name}-package") as machine:
        machine.run("/src/install.sh", "--package", "/root", timeout=120)
        machine.run("cp", "-r", "/src", "/root/old")
        machine.run(
            "sed", "-i", 's/^__version__ = .*/__version__ = "0.0.9"/', "/root/old/lib/belabox_metrics/__init__.py"
        )
        machine.run("sed", "-i", "s/^  batch_size: .*/  batch_size: 2400/", "/root/old/configs/config.yaml")
        machine.run("touch", "/root/old/lib/belabox_metrics/long_gone.py")
        machine.run("/root/old/install.sh", "--package", "/root", timeout=120)
        yield machine


def new(machine: Machine) -> str:
    return machine.run("sh", "-c", f"ls {NEW.format('*')} | grep -v 0.0.9").stdout.strip()


def status(machine: Machine) -> str:
    return machine.run("dpkg-query", "-Wf", "${Version} ${db:Status-Status}", "belabox-metrics", check=False).stdout


def count(machine: Machine) -> int:
    return int(machine.sql("SELECT count(*) AS n FROM metrics")[0]["n"])


def found(machine: Machine) -> set[str]:
    listed = machine.run(
        "sh", "-c", f"find {PLACES} -regextype egrep -not -regex '{NOT_OURS}' -printf '%p %y\\n' | grep -v __pycache__"
    )
    return set(listed.stdout.splitlines())


def test_installed_it_runs_and_purged_nothing_is_left(own: Machine) -> None:
    before = found(own)
    own.run("dpkg", "-i", new(own), timeout=120)
    own.wait_until(lambda: own.run("test", "-e", DATABASE, check=False).returncode == 0 and count(own) > 0)
    assert own.systemctl("is-enabled", "belabox-metrics.target") == "enabled"
    assert own.run("stat", "-c", "%a %U:%G", CONFIG).stdout == "640 root:metrics\n"
    assert own.run("grep", "^  id:", CONFIG).stdout.strip() != "id: belabox-001"
    assert own.run("dpkg", "--verify", "belabox-metrics").stdout == ""
    assert "COLLECT" in own.run("sh", "-c", "belabox-metrics --help; man -w belabox-metrics || true").stdout.upper()
    own.run("dpkg", "--purge", "belabox-metrics", timeout=120)
    assert found(own) - before == set()
    assert own.run("getent", "passwd", "metrics", check=False).returncode == 2
    assert own.systemctl("list-units", "--all", "--no-legend", "belabox-metrics*") == ""


def test_an_upgrade_while_jobs_run_loses_nothing(own: Machine) -> None:
    own.run("dpkg", "-i", OLD, timeout=120)
    own.run("sed", "-i", "/name: memory.usage/,/interval:/s/interval: .*/interval: 1s/", CONFIG)
    own.wait_until(lambda: own.run("test", "-e", DATABASE, check=False).returncode == 0 and count(own) > 20)
    stored = count(own)
    own.run("dpkg", "-i", new(own), timeout=120)
    assert status(own).endswith(" installed")
    assert "0.0.9" not in status(own)
    own.wait_until(lambda: count(own) > stored)
    # Nothing failed, and the schedule goes on within a few seconds.
    assert own.sql("SELECT count(*) AS n FROM runs WHERE outcome = 2")[0]["n"] == 0
    assert own.systemctl("list-units", "--failed", "--no-legend", "belabox-metrics*") == ""
    assert own.sql("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert "interval: 1s" in own.run("cat", CONFIG).stdout
    # A default that has changed is put beside the file of a person.
    assert "batch_size: 2500" in own.run("cat", f"{CONFIG}.dist").stdout
    assert own.run("test", "-e", "/usr/lib/belabox-metrics/lib/belabox_metrics/long_gone.py", check=False).returncode
    assert own.run("find", "/usr/lib/belabox-metrics/lib", "-name", "long_gone*").stdout == ""


def test_an_older_one_is_refused_in_words_and_all_goes_on(own: Machine) -> None:
    before = status(own)
    done = own.run("dpkg", "-i", OLD, check=False, timeout=120)
    assert done.returncode != 0
    assert "an older program can't read the database of a newer one" in done.stderr
    assert status(own) == before
    stored = count(own)
    own.wait_until(lambda: count(own) > stored)
    assert own.systemctl("is-active", "belabox-metrics.target") == "active"


def test_removed_it_keeps_what_is_the_persons_and_comes_back(own: Machine) -> None:
    own.run("dpkg", "-r", "belabox-metrics", timeout=120)
    stored = count(own)
    assert own.systemctl("list-units", "--all", "--no-legend", "belabox-metrics*") == ""
    assert own.run("test", "-e", "/usr/lib/belabox-metrics", check=False).returncode == 1
    assert "interval: 1s" in own.run("cat", CONFIG).stdout
    own.run("dpkg", "-i", new(own), timeout=120)
    own.wait_until(lambda: count(own) > stored)


def test_script_and_package_do_not_fight(own: Machine) -> None:
    refused = own.run("/src/install.sh", check=False)
    assert (refused.returncode, "the Debian package is installed" in refused.stderr) == (1, True)
    assert own.run("/src/install.sh", "--uninstall", check=False).returncode == 1
    own.run("dpkg", "-r", "belabox-metrics", timeout=120)
    own.run("/src/install.sh", timeout=300)
    stored = count(own)
    own.run("dpkg", "-i", new(own), timeout=120)
    own.wait_until(lambda: count(own) > stored)
    assert own.run("dpkg", "--verify", "belabox-metrics").stdout == ""
    # The package has the page packed.
    assert own.run("test", "-e", "/usr/share/man/man1/belabox-metrics.1", check=False).returncode == 1


def test_byte_code_follows_the_python_of_the_system(own: Machine) -> None:
    own.run("sh", "-c", "find /usr/lib/belabox-metrics -name __pycache__ -prune -exec rm -r {} +")
    python = own.run("sh", "-c", "basename $(readlink -f /usr/bin/python3)").stdout.strip()
    own.run("/usr/share/python3/runtime.d/belabox-metrics.rtupdate", "rtupdate", "python3.0", python)
    assert own.run("find", "/usr/lib/belabox-metrics/lib", "-name", "cli.*.pyc").stdout
