"""`install.sh --settings`: one file for every box of a fleet, and what is said of a wrong one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from .machine import Machine, booted

pytestmark = pytest.mark.machine

CONFIG = "/etc/belabox-metrics/config.yaml"
DEFAULTS = "/etc/default/belabox-metrics"
FILE = "/root/fleet.env"
SETTINGS = """\
# The same on all boxes.
BELABOX_METRICS_REMOTE_URL=http://127.0.0.1:9/api/v1/import
BELABOX_METRICS_REMOTE_ENABLED=true
BELABOX_METRICS_REMOTE_AUTH_TYPE=bearer_token
BELABOX_METRICS_REMOTE_UPLOAD_INTERVAL=45s
"""


@pytest.fixture(scope="module")
def fresh(machine_name: str) -> Iterator[Machine]:
    """With the settings and a token beside it, and nothing installed."""
    with booted(f"{machine_name}-settings") as machine:
        machine.run("tee", FILE, input=SETTINGS)
        machine.run("tee", "/root/token", input="token-of-this-box\n")
        yield machine


def test_a_wrong_file_is_refused_before_anything_runs_with_it(fresh: Machine) -> None:
    for line, why in (
        ("BELABOX_METRICS_REMOTE_UPLOAD_INTERVAL=45", "/root/wrong.env:2: BELABOX_METRICS_REMOTE_UPLOAD_INTERVAL"),
        ("BELABOX_METRICS_REMOTE_URI=http://x/", "/root/wrong.env:2: BELABOX_METRICS_REMOTE_URI"),
        ("nonsense", "/root/wrong.env:2: "),
    ):
        fresh.run("tee", "/root/wrong.env", input=f"# a fleet\n{line}\n")
        refused = fresh.run("/src/install.sh", "--settings", "/root/wrong.env", check=False, timeout=300)
        assert refused.returncode == 1
        assert why in refused.stderr
        assert "nothing was installed, the configuration was left as it was" in refused.stderr
    fresh.run("tee", "/root/wrong.env", input=SETTINGS)
    refused = fresh.run("/src/install.sh", "--settings", "/root/wrong.env", check=False, timeout=300)
    assert "/etc/belabox-metrics/api-token" in refused.stderr, "a server that wants a token, and none is given"
    for path in (DEFAULTS, "/etc/belabox-metrics", "/usr/lib/belabox-metrics", "/usr/bin/belabox-metrics"):
        assert fresh.run("test", "-e", path, check=False).returncode == 1
    assert fresh.run("id", "metrics", check=False).returncode == 1
    refused = fresh.run("/src/install.sh", "--settings", "/root/nothing", check=False)
    assert "--settings /root/nothing: there is no such file" in refused.stderr


def test_one_command_sets_up_a_box(fresh: Machine) -> None:
    fresh.run("/src/install.sh", "--settings", FILE, "--token-file", "/root/token", timeout=300)
    assert fresh.run("cat", DEFAULTS).stdout == SETTINGS
    assert fresh.run("stat", "-c", "%a %U:%G", DEFAULTS).stdout == "644 root:root\n"
    machine_id = fresh.run("sh", "-c", "sha256sum < /etc/machine-id").stdout[:8]
    assert f'  id: "belabox-{machine_id}"' in fresh.run("cat", CONFIG).stdout
    timer = fresh.run("cat", "/etc/systemd/system/belabox-metrics-upload.timer").stdout
    assert "OnUnitInactiveSec=45s" in timer
    assert fresh.systemctl("is-active", "belabox-metrics-upload.timer") == "active"
    report = json.loads(fresh.run("belabox-metrics", "check", "--json").stdout)
    assert report["ok"] is True
    assert report["doubts"] == []


def test_again_it_changes_nothing_and_without_the_option_the_file_stays(fresh: Machine) -> None:
    when = fresh.run("stat", "-c", "%Z %i", DEFAULTS, CONFIG).stdout
    fresh.run("/src/install.sh", "--settings", FILE, timeout=120)
    fresh.run("/src/install.sh", timeout=120)
    assert fresh.run("stat", "-c", "%Z %i", DEFAULTS, CONFIG).stdout == when


def test_another_file_takes_the_place_of_the_first(fresh: Machine) -> None:
    fresh.run("sed", "-i", "s/45s/20s/", FILE)
    fresh.run("/src/install.sh", "--settings", FILE, timeout=120)
    assert "OnUnitInactiveSec=20s" in fresh.run("cat", "/etc/systemd/system/belabox-metrics-upload.timer").stdout
