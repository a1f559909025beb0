"""`/metrics`: the page, from the database as it is at this moment."""

from __future__ import annotations

from ..errors import Problem
from ..health import facts, judge
from ..store import figures
from ..store.instant import Instant
from . import latest, recorder
from .family import Families

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..clock import Moment
    from ..store.database import Store


class Page:
    """One for each database: it remembers how series are spelled."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._heads = latest.Heads()

    def text(self, now: Moment) -> str:
        """The page in the format of family.CONTENT_TYPE.

        Without a database that can be read it has `belabox_status{status="error"} 1` and little more, instead of being
        an error itself: who scrapes learns that the box lives and what it lacks."""
        try:
            return self._whole(now)
        except Problem as failed:
            families = Families()
            sizes = figures.sizes_at(self._store.path)
            recorder.add_verdict(recorder.Own(families, ""), judge.report_without_database(failed, sizes, now))
            return families.text()

    def _whole(self, now: Moment) -> str:
        found = facts.read(self._store)
        report = judge.report(found, now)
        families = Families()
        with Instant(self._store) as connection:
            device_id = latest.device(connection, found)
            own = recorder.Own(families, device_id)
            recorder.add_verdict(own, report)
            recorder.add_facts(own, connection, found, report, now)
            latest.add(families, connection, self._heads, device_id, report, now)
        return families.text()
