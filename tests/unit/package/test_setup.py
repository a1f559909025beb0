"""lib/setup.sh on a folder that stands for a machine: what becomes of the configuration, and what is said of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3]
# Whoever runs the tests plays root and the user of the jobs.
PREPARED = r"""
. "$SOURCE/lib/setup.sh"
TREE=$SOURCE CONFIG_DIR=$FOLDER/etc CONFIG=$FOLDER/etc/config.yaml TOKEN=$FOLDER/etc/api-token
DEFAULTS=$FOLDER/defaults STATE=$FOLDER/state PYTHON=$INTERPRETER
chown() { :; }
install() {
    local words=()
    while [[ $# -gt 0 ]]; do
        case $1 in -o | -g) shift ;; *) words+=("$1") ;; esac
        shift
    done
    command install "${words[@]}"
}
"""
RIGHT = "device: {id: box}\nmetrics: []\n"


class Box:
    """`path` has etc/config.yaml and the file of defaults."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "etc/config.yaml"
        self.defaults = path / "defaults"
        self.config.parent.mkdir()

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        names = {"SOURCE": str(SOURCE), "FOLDER": str(self.path), "INTERPRETER": "/usr/bin/python3"}
        return subprocess.run(
            ["bash", "-c", PREPARED + script],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **names},
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, remote: str = "", device_id: str = "", settings: str = "") -> subprocess.CompletedProcess[str]:
        return self.run(f'install_config "$SOURCE/configs/config.yaml" unchanged "{remote}" "{device_id}" "{settings}"')


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_defaults_with_a_mistake_do_not_keep_a_package_from_being_installed(box: Box) -> None:
    """`apply` tells of them, and again when they are mended: for that there has to be a configuration."""
    box.defaults.write_text("BELABOX_METRICS_REMOTE_AUTH_TYPE=bearer\n")
    done = box.install()
    assert (done.returncode, done.stderr) == (0, "")
    assert 'id: "belabox-' in box.config.read_text()


@pytest.mark.parametrize(
    ("text", "asked", "said"),
    [
        ("device: {id: box}\nmetrics: [\n", {"settings": "/dev/null"}, "CONFIG:3:1: is not valid YAML"),
        ("device: {id: box}\n", {"remote": "http://vm/x"}, "CONFIG:1: metrics: is missing"),
        (RIGHT, {"remote": "nowhere"}, "remote.url: does not begin with http"),
        (RIGHT + "remote: [1]\n", {"remote": "http://vm/x"}, "CONFIG: could not find out where to write remote.url"),
    ],
)
def test_what_is_refused_is_told_of_the_file_that_a_person_knows(
    box: Box, text: str, asked: dict[str, str], said: str
) -> None:
    box.config.write_text(text)
    done = box.install(**asked)
    told = done.stderr.replace(str(box.config), "CONFIG")
    assert done.returncode == 1
    assert said in told
    assert "the configuration was left as it was" in told
    assert ".config.yaml.new" not in told
    assert box.config.read_text() == text
    assert sorted(path.name for path in box.config.parent.iterdir()) == ["collectors.d", "config.yaml"]
