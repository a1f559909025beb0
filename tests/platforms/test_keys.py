"""Which key of Ubuntu's is believed, tried with a package of Debian's keys."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .keys import fetched, fingerprints, picked
from .outcome import NotHad

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
pytestmark = pytest.mark.skipif(
    not (KEYS.exists() and shutil.which("gpg") and shutil.which("dpkg-deb")), reason="not a Debian with gpg"
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: keyring\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: keys\n"
    )
    (tree / "usr/share/keyrings").mkdir(parents=True)
    shutil.copy(KEYS, tree / "usr/share/keyrings/ubuntu-archive-keyring.gpg")
    made = tmp_path / "keyring.deb"
    subprocess.run(["dpkg-deb", "--build", tree, made], check=True, capture_output=True)
    return made


def test_one_key_of_many(package: Path, tmp_path: Path) -> None:
    keys = fingerprints(Path(shutil.copy(KEYS, tmp_path)))
    assert len(keys) > 1
    assert fingerprints(picked(package, keys[-1])) == [keys[-1]]


@pytest.mark.parametrize("broken", [False, True])
def test_a_package_without_it_is_refused(package: Path, broken: bool) -> None:
    if broken:
        package.write_bytes(b"<html>Please log in to use this network</html>")
    with pytest.raises(NotHad, match=r"keyring\.deb does not hold the key F6ECB376"):
        picked(package, "F6ECB3762474EDA9D21B7022871920D1991BC93C")


def test_a_mirror_that_is_not_there() -> None:
    with pytest.raises(NotHad, match=r"https://127\.0\.0\.1:1/keyring\.deb: .*refused"):
        fetched("https://127.0.0.1:1/keyring.deb", pause_s=0)
