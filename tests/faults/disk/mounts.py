"""File systems that can be made to refuse, and to stop refusing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..scratch import scratch

# Of another user than root, for whom quotas hold.
SOMEBODY = 65534


class Mount:
    """A tmpfs of 6 MB. `said`: what is wrong with it, in words; `before`: what a job is an argument of."""

    said = ""
    slow = False
    before: tuple[str, ...] = ()

    def is_there(self) -> bool:
        return True

    @contextmanager
    def mounted(self, folder: Path) -> Iterator[None]:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,nr_inodes=256", "tmpfs", folder], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)

    def own(self, folder: Path) -> None:
        """After the box was put there."""

    def refuse(self, folder: Path) -> None: ...

    def allow(self, folder: Path) -> None: ...


class Full(Mount):
    said = "a disk that is full now and then"

    def refuse(self, folder: Path) -> None:
        with (folder / "others").open("ab", buffering=0) as others:
            while True:
                try:
                    others.write(bytes(4096))
                except OSError:
                    return

    def allow(self, folder: Path) -> None:
        (folder / "others").unlink(missing_ok=True)


class NoInode(Mount):
    said = "a disk without an inode now and then"

    def refuse(self, folder: Path) -> None:
        (folder / "others").mkdir(exist_ok=True)
        try:
            for number in range(10_000):
                (folder / f"others/{number}").touch()
        except OSError:
            return

    def allow(self, folder: Path) -> None:
        shutil.rmtree(folder / "others", ignore_errors=True)


class ReadOnly(Mount):
    said = "a file system remounted read-only now and then"

    def refuse(self, folder: Path) -> None:
        # Refused while somebody has a file open to write.
        subprocess.run(["mount", "-o", "remount,ro", folder], check=False, stderr=subprocess.DEVNULL)

    def allow(self, folder: Path) -> None:
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


class Quota(Mount):
    """An ext4 on a loop device, of which a user may have so much."""

    said = "a quota of its user that is used up now and then"
    slow = True
    before = ("setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups")

    def is_there(self) -> bool:
        """Whether this kernel knows quotas, which is found out by trying."""
        if shutil.which("setquota") is None or not Path("/dev/loop-control").exists():
            return False
        with scratch() as folder:
            place = Path(folder) / "mounted"
            place.mkdir()
            try:
                with self.mounted(place):
                    return True
            except subprocess.CalledProcessError:
                return False

    @contextmanager
    def mounted(self, folder: Path) -> Iterator[None]:
        image = folder.parent / "image"
        with image.open("wb") as file:
            file.truncate(64 * 2**20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "quota", "-E", "quotatype=usrquota", image], check=True)
        subprocess.run(["mount", "-o", "loop,usrquota", image, folder], check=True, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
            image.unlink()

    def own(self, folder: Path) -> None:
        os.chmod(folder.parent, 0o755)
        subprocess.run(["chown", "-R", f"{SOMEBODY}:{SOMEBODY}", folder], check=True)

    def refuse(self, folder: Path) -> None:
        self._limit(folder, 1)

    def allow(self, folder: Path) -> None:
        self._limit(folder, 0)

    def _limit(self, folder: Path, kilobytes: int) -> None:
        subprocess.run(["setquota", "-u", str(SOMEBODY), "0", str(kilobytes), "0", "0", folder], check=True)


MOUNTS: tuple[Mount, ...] = (Full(), NoInode(), ReadOnly(), Quota())
