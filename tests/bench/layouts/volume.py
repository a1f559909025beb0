"""A file system on a block device of its own."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

SIZE = 128 * 1024 * 1024  # bytes


class Volume:
    """An ext4 file system of its own on a loop device, and a database on it."""

    def __init__(self, folder: Path, label: str, mount_options: str) -> None:
        self.image, self.mount = folder / f"{label}.img", folder / label
        self.mount.mkdir()
        with self.image.open("wb") as file:
            file.truncate(SIZE)
        fs = ["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self.image)]
        subprocess.run(fs, check=True)
        self.device = subprocess.run(
            ["losetup", "--find", "--show", str(self.image)], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
        self.mounted = False
        try:
            subprocess.run(["mount", "-o", mount_options, self.device, str(self.mount)], check=True)
            self.mounted = True
        except BaseException:
            self.drop()
            raise

    def written(self) -> int:
        """Bytes the device has taken: field 7 of its `stat` counts sectors of 512."""
        return int(Path(f"/sys/block/{Path(self.device).name}/stat").read_text().split()[6]) * 512

    def flush(self) -> None:
        handle = os.open(self.mount, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(handle):
                raise OSError(ctypes.get_errno(), "syncfs")
        finally:
            os.close(handle)

    def drop(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.mount)], check=True)
        subprocess.run(["losetup", "--detach", self.device], check=True)
        self.image.unlink()
