"""What was received so far, in numbers: the samples themselves are not kept."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict

from ..printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .content import Content
    from .receipt import Receipt

# Whoever makes up names and keys fills no memory.
DEVICES = 1000
KEYS = 10_000
OTHERS = "(others)"
NOBODY = "(no device_id)"

NEW, AGAIN, DIFFERENT = "new", "again", "different"


class Device:
    """Of one device: uploads and samples that were taken, the newest timestamp (Unix ms) among them."""

    __slots__ = ("newest_ms", "samples", "uploads")

    def __init__(self) -> None:
        self.uploads = self.samples = self.newest_ms = 0


class Ledger:
    """Not for two threads at once."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        # How many answers of each kind: ("503", told to do so).
        self.answers: Counter[tuple[str, bool]] = Counter()
        self.uploads = self.bytes = self.samples = self.again = self.wrong = 0
        # Uploads that are being received or answered.
        self.under_way = 0
        self._keys: OrderedDict[str, tuple[bytes, bool]] = OrderedDict()

    def seen(self, key: str, digest: bytes) -> str:
        """NEW, AGAIN, or DIFFERENT when the same Idempotency-Key came with other bytes before. "" is always new."""
        if not key:
            return NEW
        before = self._keys.get(key)
        if before is None:
            self._keys[key] = (digest, False)
            if len(self._keys) > KEYS:
                self._keys.popitem(last=False)
            return NEW
        self._keys.move_to_end(key)
        return AGAIN if before[0] == digest else DIFFERENT

    def take(self, key: str, content: Content) -> None:
        """Count the samples of `content`, unless they were taken under this key before."""
        before = self._keys.get(key)
        if before is not None:
            if before[1]:
                return
            self._keys[key] = (before[0], True)
        for name, span in content.devices.items():
            room = name in self.devices or len(self.devices) < DEVICES
            device = self.devices.setdefault(name if room else OTHERS, Device())
            device.uploads += 1
            device.samples += span.count
            device.newest_ms = max(device.newest_ms, span.last_ms)
            self.samples += span.count

    def note(self, receipt: Receipt) -> None:
        """Count an upload, however it went."""
        self.uploads += 1
        self.bytes += receipt.size
        self.again += receipt.seen == AGAIN
        self.wrong += receipt.is_wrong()
        self.answers[receipt.status, bool(receipt.told)] += 1

    def checkpoint(self, device: str) -> int | None:
        """The newest timestamp (Unix ms) taken of `device`, None for none."""
        found = self.devices.get(device)
        return found.newest_ms if found else None

    def document(self) -> dict[str, object]:
        answers: Counter[str] = Counter()
        for (status, _), count in self.answers.items():
            answers[status] += count
        return {
            "uploads": self.uploads,
            "again": self.again,
            "wrong": self.wrong,
            "samples": self.samples,
            "bytes": self.bytes,
            "answers": dict(answers),
            "devices": {
                name: {"uploads": device.uploads, "samples": device.samples, "newest": device.newest_ms}
                for name, device in self.devices.items()
            },
        }

    def lines(self) -> list[str]:
        """A table for a person."""
        counts = [f"{status} x {count}{' (told to)' * told}" for (status, told), count in sorted(self.answers.items())]
        lines = [
            f"{self.uploads} uploads, {self.wrong} of them wrong, {self.again} again",
            f"{self.samples} samples taken, {self.bytes} bytes",
            *([f"{self.under_way} under way"] if self.under_way else []),
            *(["answers: " + ", ".join(counts)] if counts else []),
        ]
        rows = [("DEVICE", "UPLOADS", "SAMPLES", "NEWEST")]
        for name, device in sorted(self.devices.items()):
            rows.append(
                (printable(name) or NOBODY, str(device.uploads), str(device.samples), _moment(device.newest_ms))
            )
        if self.devices:
            widths = [max(len(row[column]) for row in rows) for column in range(4)]
            lines += [
                f"{name:<{widths[0]}}  {uploads:>{widths[1]}}  {samples:>{widths[2]}}  {newest}"
                for name, uploads, samples, newest in rows
            ]
        return lines


def _moment(timestamp_ms: int) -> str:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(timestamp_ms // 1000))
    return f"{stamp}.{timestamp_ms % 1000:03d}"
