"""The package itself, before anybody installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg-deb")
    folder = tmp_path_factory.mktemp("package")
    build(folder)
    (package,) = folder.iterdir()
    return package


def build(folder: Path) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1780000000"}
    subprocess.run([SOURCE / "install.sh", "--package", folder], check=True, capture_output=True, env=environment)


def test_lintian_has_nothing_to_say(built: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.fail("lintian is missing: tests/run installs it")
    done = subprocess.run(
        ["lintian", "--no-cfg", "--allow-root", "--fail-on", "error,warning", built],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_same_source_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    build(tmp_path)
    assert (tmp_path / built.name).read_bytes() == built.read_bytes()


def test_nothing_of_the_builder_is_in_it(built: Path) -> None:
    listed = subprocess.run(["dpkg-deb", "-c", built], check=True, capture_output=True, text=True).stdout
    assert {line.split()[1] for line in listed.splitlines()} == {"root/root"}
    assert "__pycache__" not in listed
    assert "./usr/lib/belabox-metrics/jobs/collect.py" in listed
    assert "/tests/" not in listed
