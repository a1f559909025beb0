"""apply on a box whose systemctl only remembers; the real one is met in the machine tests."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import sqlite3
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Callable, NamedTuple

import pytest

from belabox_metrics.errors import ConfigProblem
from belabox_metrics.schedule import apply, secrets
from belabox_metrics.schedule.manager import Manager
from belabox_metrics.schedule.tree import PENDING
from belabox_metrics.store import compiled, runs

if TYPE_CHECKING:
    from belabox_metrics.config.configuration import Configuration

    from .conftest import Box

WANTS = "belabox-metrics.target.wants"
CPU, MEMORY, DISK = (f"belabox-metrics@{metric}.timer" for metric in ("cpu.usage", "memory.usage", "disk.io"))
UPLOAD = "belabox-metrics-upload.timer"
CLOCK = "belabox-metrics-clock.timer"
MAINTAIN = "belabox-metrics-maintain.timer"
SOCKET = "belabox-metrics-health.socket"
URGENT = "belabox-metrics-urgent.path"
RECOVER = "belabox-metrics-recover.path"
SERVICE = "belabox-metrics-health.service"
ALL = [CPU, MEMORY, DISK, MAINTAIN, SOCKET]


def settings(box: Box) -> dict[tuple[str, str], object]:
    with sqlite3.connect(box.database) as connection:
        return {
            (section, key): value
            for section, key, value in connection.execute("SELECT section, key, value FROM settings")
        }


def test_first_apply_writes_stores_and_starts(box: Box) -> None:
    done = box.apply()
    assert set(box.tree()) == {CPU, MEMORY, DISK, MAINTAIN, *(f"{WANTS}/{unit}" for unit in ALL)}
    assert box.tree()[f"{WANTS}/{CPU}"] == f"-> ../{CPU}"
    assert box.tree()[f"{WANTS}/{SOCKET}"] == f"-> /usr/lib/systemd/system/{SOCKET}"
    assert box.calls() == [["daemon-reload"], ["start", *ALL]]
    assert settings(box)["metrics/cpu.usage", "interval_ms"] == 10_000
    assert f"wrote {CPU}\n" in done.stdout
    assert f"started {CPU}\n" in done.stdout
    assert done.stderr == ""


def test_second_apply_changes_nothing(box: Box) -> None:
    box.apply()
    before = {path: (box.units / path).lstat() for path in box.tree()}
    box.calls()
    assert box.apply().stdout == "nothing to change\n"
    assert box.calls() == []
    after = {path: (box.units / path).lstat() for path in box.tree()}
    assert {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in after.items()} == {
        path: (stat.st_ino, stat.st_mtime_ns) for path, stat in before.items()
    }


@pytest.mark.parametrize("mistake", ["interval: 0s", "interval: 10", "intervall: 1s", "interval: ["])
def test_a_mistake_changes_nothing(box: Box, mistake: str) -> None:
    box.apply()
    before, stored = box.tree(), settings(box)
    box.calls()
    box.configure("interval: 10s", mistake)
    done = box.apply(expect=78)
    assert done.stderr.startswith(f"{box.config}:3:"), done.stderr
    assert done.stdout == ""
    assert (box.tree(), settings(box), box.calls()) == (before, stored, [])


@pytest.mark.parametrize(
    ("mistakes", "told"),
    [(["interval: 0s"], "config.yaml:3:"), (["interval: 0s", "interval: 1"], "(and 1 more)")],
)
def test_a_refusal_is_remembered_until_one_is_right(box: Box, mistakes: list[str], told: str) -> None:
    def apply_job() -> tuple[int, str]:
        with sqlite3.connect(box.database) as connection:
            found: tuple[int, str] = connection.execute(
                "SELECT last_outcome, coalesce(last_error, '') FROM jobs WHERE job = 'apply'"
            ).fetchone()
            return found

    box.apply()
    right = box.config.read_text()
    for mistake, interval in zip(mistakes, ("interval: 10s", "interval: 30s")):
        box.configure(interval, mistake)
    box.apply("--dry-run", expect=78)
    assert apply_job() == (runs.DONE, "")
    box.apply(expect=78)
    outcome, error = apply_job()
    assert outcome == runs.FAILED
    assert told in error
    assert "\n" not in error
    box.config.write_text(right)
    box.apply()
    assert apply_job() == (runs.DONE, "")


def test_what_is_refused_no_more_may_be_compiled_by_whom_a_card_fails(box: Box) -> None:
    def is_refused() -> bool:
        with sqlite3.connect(box.database) as connection:
            return compiled.has_been_refused(connection)

    box.apply()
    right = box.config.read_text()
    box.configure("interval: 10s", "interval: 0s")
    box.apply(expect=78)
    assert is_refused()
    box.config.write_text(right)
    box.apply()
    assert not is_refused()


def test_no_file_changes_nothing(box: Box) -> None:
    box.config.unlink()
    assert "does not exist" in box.apply(expect=78).stderr
    assert box.tree() == {}
    assert not box.database.exists()


def test_only_what_changed_is_touched(box: Box) -> None:
    box.apply()
    box.calls()
    box.configure("memory.usage, interval: 30s", "memory.usage, interval: 60s")
    before = box.tree()
    done = box.apply()
    assert {path for path, text in box.tree().items() if before[path] != text} == {MEMORY}
    assert box.calls() == [["daemon-reload"], ["restart", MEMORY]]
    assert done.stdout == f"wrote {MEMORY}\nrestarted {MEMORY}\n"
    assert settings(box)["metrics/memory.usage", "interval_ms"] == 60_000


def test_what_is_gone_is_stopped_and_removed(box: Box) -> None:
    box.apply()
    box.calls()
    box.configure("  - {name: disk.io, interval: 7s}\n", "")
    box.apply()
    assert DISK not in box.tree()
    assert f"{WANTS}/{DISK}" not in box.tree()
    assert box.calls() == [["stop", DISK], ["daemon-reload"]]
    assert not any(section == "metrics/disk.io" for section, _ in settings(box))


def test_disabled_is_gone_but_stays_in_the_settings(box: Box) -> None:
    box.apply()
    box.configure("disk.io, interval: 7s", "disk.io, interval: 7s, enabled: no")
    box.apply()
    assert DISK not in box.tree()
    assert settings(box)["metrics/disk.io", "reason"] == "disabled"


def test_settings_alone_need_no_reload(box: Box) -> None:
    box.apply()
    box.calls()
    box.configure("disk.io, interval: 7s", "disk.io, interval: 7s, config: {allowed_devices: 'sd.*'}")
    box.apply()
    assert box.calls() == []
    assert settings(box)["metrics/disk.io", "config.allowed_devices"] == "sd.*"


def test_another_server_is_tried_at_once(box: Box) -> None:
    box.configure("metrics:", "remote: {url: 'http://vm/'}\nmetrics:")
    box.apply()
    with sqlite3.connect(box.database) as connection:
        connection.execute("UPDATE link SET failures = 9, mode = 'offline', binding = 1, not_before_boottime_ms = 9e12")
    box.configure("http://vm/", "http://other/")
    box.apply()
    with sqlite3.connect(box.database) as connection:
        link = connection.execute("SELECT failures, mode, binding, not_before_boottime_ms FROM link").fetchall()
    assert link == [(0, "realtime", 0, None)]


def test_upload_has_a_timer_and_can_be_woken_when_there_is_a_url(box: Box) -> None:
    box.configure("metrics:", "remote: {url: 'http://vm/'}\nmetrics:")
    box.apply()
    assert f"{WANTS}/{UPLOAD}" in box.tree()
    assert box.tree()[f"{WANTS}/{URGENT}"] == f"-> /usr/lib/systemd/system/{URGENT}"
    box.calls()
    box.configure("'http://vm/'", "'http://vm/', enabled: false")
    box.apply()
    assert not any(unit in path for path in box.tree() for unit in (UPLOAD, CLOCK, URGENT))
    assert box.calls() == [["stop", UPLOAD, CLOCK, URGENT], ["daemon-reload"]]


def test_nothing_is_started_while_the_target_is_down(box: Box) -> None:
    box.tell("belabox-metrics.target", ActiveState="inactive")
    assert "belabox-metrics.target is not active: nothing was started\n" in box.apply().stdout
    assert box.calls() == [["daemon-reload"]]
    box.tell("belabox-metrics.target", ActiveState="activating")
    box.apply()
    assert box.calls() == [["start", *ALL]]


def test_a_timer_that_was_stopped_by_hand_is_started(box: Box) -> None:
    box.apply()
    box.calls()
    box.tell(CPU, ActiveState="inactive")
    box.tell(MEMORY, ActiveState="failed")
    box.apply()
    assert box.calls() == [["start", CPU, MEMORY]]


def test_a_masked_timer_stays_masked(box: Box) -> None:
    (box.units / CPU).symlink_to("/dev/null")
    box.tell(CPU, LoadState="masked")
    done = box.apply()
    assert f"left {CPU} as it is: apply did not write it\n" in done.stdout
    assert box.tree()[CPU] == "-> /dev/null"
    assert box.calls() == [["daemon-reload"], ["start", MEMORY, DISK, MAINTAIN, SOCKET]]


def test_units_of_others_are_left_alone(box: Box) -> None:
    own = "belabox-metrics@my.metric.timer"
    (box.units / own).write_text("[Timer]\nOnCalendar=daily\n")
    (box.units / WANTS).mkdir()
    (box.units / WANTS / own).symlink_to(f"../{own}")
    (box.units / WANTS / "belabox-metrics-apply.path").symlink_to("/usr/lib/systemd/system/belabox-metrics-apply.path")
    (box.units / "ssh.service").write_text("[Service]\n")
    (box.units / CPU).write_text("# edited by hand\n[Timer]\n")
    box.tell(own, ActiveState="active")
    before = box.tree()
    done = box.apply()
    assert {path: box.tree()[path] for path in before} == before
    assert box.is_active(own)
    assert f"left {CPU} as it is: apply did not write it\n" in done.stdout


def test_an_edit_by_hand_of_our_file_is_lost(box: Box) -> None:
    box.apply()
    box.calls()
    before = box.tree()
    with (box.units / CPU).open("a") as file:
        file.write("Persistent=yes\n")
    box.apply()
    assert box.tree() == before
    assert box.calls() == [["daemon-reload"], ["restart", CPU]]


def test_what_systemd_has_loaded_from_older_files_is_restarted(box: Box) -> None:
    box.apply()
    box.calls()
    box.tell(CPU, NeedDaemonReload="yes")
    box.apply()
    assert box.calls() == [["daemon-reload"], ["restart", CPU]]


def test_health_socket_moves_with_its_service_out_of_the_way(box: Box) -> None:
    box.apply()
    box.tell(SERVICE, ActiveState="active")
    box.calls()
    box.configure("metrics:", "health: {port: 9200}\nmetrics:")
    box.apply()
    assert "ListenStream=127.0.0.1:9200\n" in box.tree()[f"{SOCKET}.d/50-configured.conf"]
    assert box.calls() == [["daemon-reload"], ["stop", SERVICE, SOCKET], ["restart", SOCKET]]
    box.configure("health: {port: 9200}\n", "")
    box.apply()
    assert not (box.units / f"{SOCKET}.d").exists()
    assert box.calls() == [["daemon-reload"], ["stop", SOCKET], ["restart", SOCKET]]


@pytest.mark.parametrize("before", ["", "health: {listen: 127.0.0.1:9200}\n"], ids=["as shipped", "moved before"])
def test_a_port_that_is_taken_does_not_lose_the_old_one(box: Box, before: str) -> None:
    text = box.config.read_text()
    box.config.write_text(text + before)
    box.apply()
    drop_in = box.units / "belabox-metrics-health.socket.d/50-configured.conf"
    said = drop_in.read_text() if before else None
    box.config.write_text(text + "health: {listen: 127.0.0.1:9300}\n")
    box.break_at("fails", "restart")
    done = box.apply(expect=1)
    assert "health.listen: 127.0.0.1:9300 can't be had: " in done.stderr
    assert (drop_in.read_text() if drop_in.exists() else None) == said
    assert box.calls()[-2:] == [["daemon-reload"], ["start", SOCKET]]
    box.mend()
    box.apply()
    assert "ListenStream=127.0.0.1:9300" in drop_in.read_text()


def test_health_switched_off_is_stopped(box: Box) -> None:
    box.apply()
    box.tell(SERVICE, ActiveState="active")
    box.calls()
    box.configure("metrics:", "health: {enabled: no}\nmetrics:")
    box.apply()
    assert f"{WANTS}/{SOCKET}" not in box.tree()
    assert box.calls() == [["stop", SOCKET, SERVICE], ["daemon-reload"]]


def test_services_learn_of_another_log_level(box: Box) -> None:
    box.apply()
    box.tell(SERVICE, ActiveState="active")
    box.calls()
    box.configure("metrics:", "logging: {level: warn}\nmetrics:")
    box.apply()
    drop_ins = {path for path in box.tree() if path.endswith("/50-configured.conf")}
    assert drop_ins == {
        "belabox-metrics@.service.d/50-configured.conf",
        "belabox-metrics-.service.d/50-configured.conf",
        "belabox-metrics-failed@.service.d/50-configured.conf",
    }
    assert box.calls() == [["daemon-reload"], ["stop", SERVICE]]


def test_dry_run_tells_and_changes_nothing(box: Box) -> None:
    done = box.apply("--dry-run")
    assert f"would write {CPU}\n" in done.stdout
    assert (box.tree(), box.calls(), box.database.exists()) == ({}, [], False)
    assert done.stderr == ""
    box.apply()
    assert box.apply("--dry-run").stdout == "nothing would change\n"
    box.configure("  - {name: disk.io, interval: 7s}\n", "")
    assert box.apply("--dry-run").stdout == f"would remove {WANTS}/{DISK}\nwould remove {DISK}\n"


def test_without_systemd_the_files_are_written_all_the_same(box: Box) -> None:
    box.booted.rmdir()
    done = box.apply()
    assert "systemd is not running here: nothing was reloaded or started\n" in done.stdout
    assert CPU in box.tree()
    assert box.calls() == []
    assert settings(box)


@pytest.mark.parametrize("verb", ["daemon-reload", "stop", "restart", "start"])
@pytest.mark.parametrize("how", ["fails", "dies"])
def test_what_was_interrupted_is_finished_by_the_next(box: Box, how: str, verb: str) -> None:
    """At whichever step systemctl fails, or all of apply is killed."""
    box.apply()
    box.configure("cpu.usage, interval: 10s", "cpu.usage, interval: 20s")
    box.configure("disk.io, interval: 7s", "network.traffic, interval: 30s")
    box.calls()
    box.break_at(how, verb)
    broken = box.apply(expect=1 if how == "fails" else -9)
    assert how == "dies" or f"systemctl {verb}" in broken.stderr
    assert (PENDING in box.tree()) == (verb != "stop")
    broken_calls = box.calls()
    box.mend()
    box.apply()
    calls = box.calls()
    traffic = "belabox-metrics@network.traffic.timer"
    assert ["daemon-reload"] in calls
    assert ["restart", CPU] in calls
    assert not box.is_active(DISK)
    assert box.is_active(traffic)
    assert not any(MEMORY in call for call in (*calls, *broken_calls))
    assert PENDING not in box.tree()
    assert settings(box)["metrics/cpu.usage", "interval_ms"] == 20_000
    assert box.apply().stdout == "nothing to change\n"


@pytest.mark.parametrize("stop_after", range(1, 9))
def test_a_crash_between_two_files_is_healed(box: Box, stop_after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from belabox_metrics.config.configuration import load
    from belabox_metrics.schedule import units
    from belabox_metrics.schedule.tree import Tree

    box.apply()
    whole = box.tree()
    for path in box.tree():
        (box.units / path).unlink()
    box.calls()
    steps = 0

    def rename(old: str, new: str) -> None:
        nonlocal steps
        steps += 1
        if steps == stop_after:
            raise KeyboardInterrupt
        os.replace(old, new)

    monkeypatch.setattr(os, "rename", rename)
    configuration = load(str(box.config))
    tree, texts = Tree(str(box.units)), units.render(configuration)
    with pytest.raises(KeyboardInterrupt):
        tree.change(tree.compare(texts, units.wanted(configuration)), texts)
    box.apply()
    assert box.tree() == whole
    assert ["daemon-reload"] in box.calls()


def test_without_a_usable_database_nothing_changes(box: Box) -> None:
    box.database.write_text("this is no database, and too long to be taken for an empty one" * 20)
    assert str(box.database) in box.apply(expect=1).stderr
    assert box.calls() == []
    assert not list(box.units.glob("*.timer"))
    box.database.unlink()
    box.apply()
    assert box.calls() == [["daemon-reload"], ["start", *ALL]]


def test_another_apply_is_waited_for(box: Box) -> None:
    from belabox_metrics.errors import TryLater
    from belabox_metrics.schedule.lock import exclusive

    directory = str(box.units)
    with (
        exclusive(directory),
        pytest.raises(TryLater, match="another apply is still at work"),
        exclusive(directory, 0.2),
    ):
        pass
    handle = os.open(directory, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    threading.Timer(0.3, os.close, [handle]).start()
    with exclusive(directory, 20):
        pass


def test_a_link_goes_before_the_unit_it_leads_to(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    from belabox_metrics.schedule.tree import Tree

    box.apply()
    removed: list[str] = []
    unlink = os.unlink

    def remember(path: str) -> None:
        removed.append(os.path.relpath(path, box.units))
        unlink(path)

    monkeypatch.setattr(os, "unlink", remember)
    tree = Tree(str(box.units))
    tree.change(tree.compare({}, []), {})
    half = len(removed) // 2
    assert all(path.startswith(WANTS) for path in removed[: half + 1])
    assert sorted(removed[half + 1 :]) == sorted([CPU, MEMORY, DISK, MAINTAIN])


def test_a_directory_of_units_that_is_not_there(box: Box) -> None:
    box.units.rmdir()
    assert f"{box.units}: No such file or directory" in box.apply(expect=1).stderr


def test_usage(box: Box) -> None:
    assert "unrecognized arguments" in box.apply("--no-such-option", expect=2).stderr
    assert "--dry-run" in box.apply("--help").stdout


def test_a_unit_gets_records_instead_of_lines(box: Box) -> None:
    """Without systemd's own library a record is text, with its priority in front."""
    broken = box.path / "systemd"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError")
    box.environment["JOURNAL_STREAM"] = "1:1"
    done = box.apply()
    assert done.stdout == ""
    assert "<5>configuration applied: 4 timers, 9 changes" in done.stderr
    box.configure("interval: 10s", "interval: 10")
    done = box.apply(expect=78)
    assert done.stderr.startswith("<3>")
    assert "interval: 10 has no unit" in done.stderr


class Looks(NamedTuple):
    """What the units themselves would do by now, by their own words."""

    is_to_run: Callable[[], bool]
    is_to_run_again: Callable[[], bool]


@pytest.fixture
def looks(box: Box, monkeypatch: pytest.MonkeyPatch) -> Looks:
    token, defaults, runtime = (box.path / name for name in ("api-token", "defaults", "runtime"))
    runtime.mkdir()
    places = {
        "/etc/belabox-metrics/config.yaml": str(box.config),
        "/etc/belabox-metrics/api-token": str(token),
        "/etc/default/belabox-metrics": str(defaults),
        "/etc/systemd/system": str(box.units),
        "/run/belabox-metrics-apply": str(runtime),
        "%%": "%",
    }

    def look(unit: str, job: str) -> Callable[[], bool]:
        text = (Path(__file__).parents[3] / "units" / unit).read_text().replace("\\\n", " ")
        (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
        assert job in command
        for place, here in {job: "exit 123", **places}.items():
            command = command.replace(place, here)
        assert not re.search("/etc/|/run/", command.replace(str(box.path), ""))
        return lambda: subprocess.run(shlex.split(command), check=False).returncode == 123

    monkeypatch.setenv("PATH", str(box.path / "bin"), prepend=os.pathsep)
    for module in ("remote.credentials", "schedule.apply"):
        monkeypatch.setattr(f"belabox_metrics.{module}.TOKEN_FILE", str(token))
    monkeypatch.setattr(apply, "DEFAULTS_FILE", str(defaults))
    monkeypatch.setattr("belabox_metrics.owner.USER", "no-such-user")
    return Looks(
        look("belabox-metrics-apply.service", "exec /usr/bin/python3 -I /usr/lib/belabox-metrics/jobs/apply.py"),
        look("belabox-metrics-apply-again.service", "exec systemctl --no-block start belabox-metrics-apply.service"),
    )


def test_what_is_saved_while_it_is_applied_is_applied_too(box: Box, looks: Looks) -> None:
    assert looks.is_to_run()
    assert not looks.is_to_run_again()

    class Slow(Manager):
        """Somebody saves while systemd is being told."""

        def is_there(self) -> bool:
            if "15s" not in box.config.read_text():
                box.configure("cpu.usage, interval: 10s", "cpu.usage, interval: 15s")
            return True

    arguments = ["--config", str(box.config), "--units", str(box.units), "--database", str(box.database)]
    assert apply.main(arguments, Slow(str(box.booted))) == 0
    assert looks.is_to_run_again()
    assert looks.is_to_run()
    assert apply.main(arguments, Manager(str(box.booted))) == 0
    assert not looks.is_to_run_again()
    assert "every 15s" in (box.units / "belabox-metrics@cpu.usage.timer").read_text()


def test_a_token_that_comes_while_its_lack_is_told_is_noticed(
    box: Box, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the configuration is copied to a box, and then its token."""
    box.configure("metrics:", "remote: {url: 'http://vm/', auth: {type: bearer_token}}\nmetrics:")
    missing = secrets.check

    def check(configuration: Configuration) -> None:
        try:
            missing(configuration)
        except ConfigProblem:
            (box.path / "api-token").write_text("s3cret")
            raise

    monkeypatch.setattr(secrets, "check", check)
    assert looks.is_to_run()
    arguments = ["--config", str(box.config), "--units", str(box.units), "--database", str(box.database)]
    assert apply.main(arguments, Manager(str(box.booted))) == 78
    assert looks.is_to_run_again()
    assert looks.is_to_run()
    assert apply.main(arguments, Manager(str(box.booted))) == 0
    assert not looks.is_to_run_again()


def test_what_is_refused_is_not_tried_without_end(box: Box, looks: Looks) -> None:
    box.config.write_text("nonsense")
    assert looks.is_to_run()
    arguments = ["--config", str(box.config), "--units", str(box.units), "--database", str(box.database)]
    assert apply.main(arguments, Manager(str(box.booted))) == 78
    assert not looks.is_to_run_again()


def test_at_a_start_it_runs_for_what_was_saved_while_nobody_watched(box: Box, looks: Looks) -> None:
    arguments = ["--config", str(box.config), "--units", str(box.units), "--database", str(box.database)]

    def run() -> int:
        return apply.main(arguments, Manager(str(box.booted)))

    right = box.config.read_text()
    box.booted.rmdir()
    assert run() == 0
    assert looks.is_to_run(), "so far it is an image"
    box.booted.mkdir()
    assert run() == 0
    assert not looks.is_to_run()
    (box.path / "defaults").write_text("")
    assert looks.is_to_run()
    assert run() == 0
    (box.path / "api-token").write_text("s3cret")
    assert looks.is_to_run()
    assert run() == 0
    box.config.write_text(right.replace("10s", "20s"))
    assert looks.is_to_run()
    apply.main([*arguments, "--dry-run"], Manager(str(box.booted)))
    assert looks.is_to_run()
    # One that is refused is told again, also where it has become the one of before by a copy.
    box.config.write_text("nonsense")
    assert run() == 78
    assert looks.is_to_run()
    box.config.write_text(right)
    assert run() == 0
    assert not looks.is_to_run()


def test_paths_have_no_limit_of_starts_where_systemd_knows_one(box: Box) -> None:
    drop_ins = [f"{unit}.d/50-configured.conf" for unit in (RECOVER, URGENT)]
    box.configure("metrics:", "remote: {url: 'http://vm/'}\nmetrics:")
    box.apply()
    assert [path for path in drop_ins if path in box.tree()] == []
    box.calls()
    box.upgrade_systemd(250)
    box.apply()
    for path in drop_ins:
        assert box.tree()[path].endswith("\n[Path]\nTriggerLimitIntervalSec=0\n")
    assert box.calls() == [["daemon-reload"], ["restart", URGENT]]
    box.configure("'http://vm/'", "'http://vm/', enabled: false")
    box.apply()
    assert [path for path in drop_ins if path in box.tree()] == drop_ins[:1]


def test_a_program_that_is_not_there_changes_nothing(box: Box) -> None:
    box.apply()
    before = box.tree()
    box.configure("metrics:\n", "metrics:\n  - {name: my.own, interval: 10s, exec: not-there}\n")
    done = box.apply(expect=78)
    assert "metrics[my.own].exec: /etc/belabox-metrics/collectors.d/not-there: does not exist" in done.stderr
    assert box.tree() == before
