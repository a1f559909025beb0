"""What each attempt tells about the link, and when the next one may be."""

from __future__ import annotations

import posix as os  # as environment.py says
import time

from ..remote.retry_after import retry_after
from . import backoff, mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..clock import Moment
    from ..remote.settings import Remote
    from ..store.link import Link
    from .transport import Answer

AUTO = "auto"


class Attempts:
    """Changes `link` as outcomes come; whoever made it stores it."""

    def __init__(self, link: Link, remote: Remote, moment: Moment) -> None:
        self.link = link
        self._remote = remote
        self._moment = moment
        self._started = time.monotonic()
        if remote.mode != AUTO:
            link.mode = remote.mode

    def accepted(self, answer: Answer) -> None:
        """A 2xx."""
        link = self.link
        self._outcome(mode.SLOW if answer.duration_ms > mode.SLOW_S * 1000 else mode.GOOD)
        link.failures, link.backoff_ms, link.error, link.status = 0, 0, "", answer.status
        link.retry_ms, link.binding = None, False
        link.not_before_ms = None
        if link.mode != mode.REALTIME:
            link.not_before_ms = self._now_ms() + backoff.jittered_ms(
                mode.DEGRADED_INTERVAL_MS, self._remote.retry, _random
            )

    def unreachable(self, error: str) -> None:
        """No answer."""
        self.link.status = None
        self._again(mode.UNREACHABLE, error, None)

    def busy(self, answer: Answer, error: str) -> None:
        """An answer that asks to come again, perhaps at a time of its own."""
        self.link.status = answer.status
        now_s = self._moment.wall_ms / 1000 + time.monotonic() - self._started
        self._again(mode.BUSY, error, retry_after(answer.retry_after, answer.date, now_s))

    def refused(self, status: int | None, error: str) -> None:
        """It will be the same until a person does something. `status`: of the answer, None when the fault is here."""
        link = self.link
        self._outcome(mode.REFUSED)
        link.failures += 1
        link.status, link.error = status, error
        link.backoff_ms = backoff.jittered_ms(backoff.REFUSED_MS, self._remote.retry, _random)
        link.not_before_ms, link.binding, link.retry_ms = self._now_ms() + link.backoff_ms, True, None

    def _again(self, outcome: str, error: str, wanted_s: float | None) -> None:
        link, retry = self.link, self._remote.retry
        self._outcome(outcome)
        link.failures += 1
        link.error = error
        # Who is offline asks seldom, however it came to be so.
        failures = 64 if link.mode == mode.OFFLINE else link.failures
        wanted_ms = backoff.no_sooner_ms((wanted_s or 0) * 1000, retry, _random)
        link.backoff_ms = max(backoff.delay_ms(failures, retry, _random), wanted_ms)
        link.not_before_ms = self._now_ms() + link.backoff_ms
        link.binding = wanted_s is not None
        link.retry_ms = link.not_before_ms if retry.enabled and link.failures <= retry.max_attempts else None

    def _outcome(self, outcome: str) -> None:
        link = self.link
        link.attempt_ms = self._now_ms()
        link.outcomes += outcome
        if self._remote.mode == AUTO:
            link.mode = mode.after(link.mode, link.outcomes)

    def _now_ms(self) -> int:
        return self._moment.boottime_ms + int((time.monotonic() - self._started) * 1000)


def _random() -> float:
    """In [0, 1). The module random costs two milliseconds; jitter asks for no more than this."""
    return int.from_bytes(os.urandom(4), "big") / 2**32
