"""`/metrics`: the page, from the database as it is at this moment."""

from __future__ import annotations

from ..errors import Problem, StoreProblem
from ..health import facts, judge
from ..store import figures
from ..store.database import DatabaseError, problem
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
            sizes = (figures.size(self._store.path), figures.size(self._store.path + "-wal"))
            recorder.add_verdict(recorder.Own(families, ""), judge.report_without_database(failed, sizes, now))
            return families.text()

    def _whole(self, now: Moment) -> str:
        found = facts.read(self._store)
        report = judge.report(found, now)
        families = Families()
        connection = self._store.reading()
        try:
            # One snapshot, as for /health.
            connection.execute("BEGIN")
            device_id = latest.device(connection, found)
            own = recorder.Own(families, device_id)
            recorder.add_verdict(own, report)
            recorder.add_facts(own, connection, found, report, now)
            latest.add(families, connection, self._heads, device_id, report, now)
        except DatabaseError as error:
            raise problem(error, self._store.path) from error
        except (TypeError, ValueError) as error:
            # SQLite lets anything stand in any column.
            raise StoreProblem(f"holds what it should not: {error}", where=self._store.path) from error
        finally:
            connection.close()
        return families.text()
