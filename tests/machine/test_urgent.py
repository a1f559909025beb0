"""What is critical does not wait for the timer, and an uploader that fails is no busy loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .machine import Machine, booted

pytestmark = pytest.mark.machine

CONFIG = "/etc/belabox-metrics/config.yaml"
COLLECT = "belabox-metrics@memory.usage.service"
UPLOAD = "belabox-metrics-upload.service"
RECOVER = "belabox-metrics-recover.service"
PATH = "belabox-metrics-urgent.path"
WANTED = "/run/belabox-metrics/upload-wanted"
# Of the overlay's server, which shows a sample a second after it has come.
QUERY = "http://127.0.0.1:8428/api/v1/export?match[]=stream_event"


@pytest.fixture(scope="module")
def own(machine_name: str) -> Iterator[Machine]:
    """A machine that would send once a day."""
    with booted(f"{machine_name}-urgent") as machine:
        machine.run("/src/install.sh", "--remote", "http://127.0.0.1:8428/api/v1/import", timeout=300)
        machine.systemctl("stop", "belabox-metrics.target")
        machine.run("sed", "-i", "s/upload_interval: 30s/upload_interval: 24h/", CONFIG)
        machine.run("sed", "-i", r"s/memory: {.*below: .*}/memory: {below: 100000000000000}/", CONFIG)
        machine.run("belabox-metrics", "apply")
        machine.systemctl("start", PATH)
        yield machine


def started(machine: Machine) -> int:
    return int(machine.systemctl("show", "-P", "ExecMainStartTimestampMonotonic", UPLOAD))


def ended(machine: Machine) -> bool:
    return machine.systemctl("is-active", UPLOAD, check=False) in ("inactive", "failed")


def test_a_critical_sample_is_on_the_server_at_once(own: Machine) -> None:
    before = started(own)
    own.systemctl("start", COLLECT)
    own.wait_until(lambda: started(own) > before, "the uploader is not started")
    own.wait_until(lambda: "alert_raised" in own.run("curl", "-sSg", QUERY).stdout, "the event does not arrive")
    own.wait_until(lambda: ended(own), "the uploader runs on")
    assert own.run("test", "-e", WANTED, check=False).returncode == 1
    assert own.systemctl("is-active", PATH) == "active"
    (record,) = own.journal("BELABOX_EVENT=alert_raised")
    assert "memory.available_bytes" in record["MESSAGE"]
    # There may be one of before the target was stopped.
    of_memory = "SELECT priority FROM runs JOIN jobs ON jobs.id = runs.job WHERE metric = 'memory.usage'"
    assert own.sql(f"{of_memory} ORDER BY runs.id DESC LIMIT 1") == [{"priority": 0}]
    # And the next one, while the alert is on.
    before = started(own)
    own.systemctl("start", COLLECT)
    own.wait_until(lambda: started(own) > before, "the uploader was woken only once")
    own.wait_until(lambda: ended(own), "the uploader runs on")


@pytest.mark.parametrize(
    "fault",
    ["ExecStart=\nExecStart=/bin/false", "LoadCredential=key:/nowhere", "ExecStart=\nExecStart=/nowhere"],
    ids=["fails", "no-credential", "no-program"],
)
def test_an_uploader_that_leaves_the_file_is_no_busy_loop(own: Machine, fault: str) -> None:
    drop_in = f"/run/systemd/system/{UPLOAD}.d"
    own.run("mkdir", "-p", drop_in)
    own.run("tee", f"{drop_in}/90-fault.conf", input=f"[Unit]\nOnFailure=\n[Service]\n{fault}\n")
    own.systemctl("daemon-reload")
    try:
        own.systemctl("start", COLLECT)
        state = ("show", "-P", "SubState", UPLOAD)
        own.wait_until(lambda: own.systemctl(*state) == "stop-post", "it was not started, or does not wait")
        assert own.run("test", "-e", WANTED, check=False).returncode == 0
        assert own.systemctl("is-active", PATH) == "active"
    finally:
        own.run("rm", "-r", drop_in)
        own.systemctl("daemon-reload")
        own.systemctl("stop", UPLOAD)
    # The file is still there: what is mended works without anybody's help.
    own.systemctl("kill", "--signal=KILL", "--kill-who=control", UPLOAD, check=False)
    own.wait_until(lambda: own.run("test", "-e", WANTED, check=False).returncode == 1, "the file is still there")
    own.wait_until(lambda: ended(own), "the uploader runs on")
    assert own.systemctl("is-active", PATH) == "active"


def test_a_recovery_that_can_not_go_on_for_now_is_no_busy_loop(own: Machine) -> None:
    """It leaves with 75, which is no failure, and its file behind."""
    watched, wanted = RECOVER.replace(".service", ".path"), "/run/belabox-metrics/recover-wanted"
    database = "/var/lib/belabox-metrics/metrics.db"
    own.run("systemd-run", "--quiet", "--unit=other", "flock", f"{database}.recover", "sleep", "99")
    own.systemctl("start", watched)
    try:
        own.run("touch", wanted)
        state = ("show", "-P", "SubState", RECOVER)
        own.wait_until(lambda: own.systemctl(*state) == "stop-post", "it was not started, or does not wait")
        # Between two starts it is so for a moment too.
        assert {own.systemctl(*state) for _ in range(20)} == {"stop-post"}
        assert own.systemctl("show", "-P", "ExecMainStatus", RECOVER) == "75"
        assert own.run("test", "-e", wanted, check=False).returncode == 0
    finally:
        own.systemctl("stop", "other.service")
    own.systemctl("kill", "--signal=KILL", "--kill-who=control", RECOVER)
    own.wait_until(lambda: own.run("test", "-e", wanted, check=False).returncode == 1, "the file is still there")
    own.systemctl("stop", watched)
