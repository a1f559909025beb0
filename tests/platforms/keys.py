"""The key that Ubuntu signs its archive with, for a machine whose distribution has no package of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from .outcome import NotHad
from .units import CACHE

# Of the release pocket of 24.04, which stays as it is.
PACKAGE = "https://archive.ubuntu.com/ubuntu/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb"
# Ubuntu Archive Automatic Signing Key (2018), of 22.04 and 24.04. Whatever the package holds beside it is not believed.
FINGERPRINT = "F6ECB3762474EDA9D21B7022871920D1991BC93C"
_MEMBER = "./usr/share/keyrings/ubuntu-archive-keyring.gpg"
_TRIES = 3


def keyring() -> Path:
    """A keyring with that one key, fetched once and kept. Raises NotHad."""
    kept = CACHE / f"ubuntu-{FINGERPRINT[-16:]}.gpg"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            package = Path(place, "keyring.deb")
            package.write_bytes(fetched(PACKAGE))
            picked(package, FINGERPRINT).rename(kept)
    return kept


def picked(package: Path, fingerprint: str) -> Path:
    """A keyring beside the `package` with that key of it and no other. Raises NotHad when it has none."""
    if not (shutil.which("gpg") and shutil.which("dpkg-deb")):
        raise NotHad("there is no gpg or no dpkg-deb here")
    everything, one = package.with_suffix(".all"), package.with_suffix(".gpg")
    unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=False)
    member = subprocess.run(["tar", "-xO", _MEMBER], input=unpacked.stdout, capture_output=True, check=False)
    everything.write_bytes(member.stdout)
    # A home of its own: whose gpg it is has other keys and settings, which do not count.
    words = ["gpg", "--homedir", str(package.parent), "--batch", "--quiet", "--no-default-keyring"]
    words += ["--keyring", str(everything), "--output", str(one), "--export", fingerprint]
    subprocess.run(words, capture_output=True, check=False)
    if fingerprints(one) != [fingerprint]:
        raise NotHad(f"{package.name} does not hold the key {fingerprint}")
    return one


def fingerprints(file: Path) -> list[str]:
    """Of the keys in a keyring; the subkeys are theirs and not told."""
    if not file.exists():
        return []
    words = ["gpg", "--homedir", str(file.parent), "--batch", "--quiet", "--with-colons", "--show-keys", str(file)]
    lines = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    fields = [line.split(":") for line in lines]
    return [after[9] for before, after in zip(fields, fields[1:]) if before[0] == "pub" and after[0] == "fpr"]


def fetched(address: str, pause_s: float = 10) -> bytes:
    """Mirrors hiccup: it is tried again. Raises NotHad."""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(pause_s)
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                content: bytes = answer.read()
                return content
        except OSError as error:
            failed = f"{address}: {error}"
    raise NotHad(failed)
