"""`meta`: how the collectors, the uploader and the database themselves are.

The one collector whose source is the database, so the one that reads it. Durations are quantiles over the runs since
the run before, by the nearest rank: a value that was measured, and not one between two.
"""

from __future__ import annotations

from ..errors import NoData
from ..sample import Sample
from ..store import figures, queue
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "meta"
PRIORITY = 3
SETTINGS: Settings = {}

# Percent, and as the tag.
QUANTILES = ((50, "0.5"), (95, "0.95"), (99, "0.99"))
# How far back the runs are looked at, at most: after a night's sleep, and the first time. Ids are times.
LONGEST_MS = 3_600_000


def collect(world: World) -> Reading:
    """`collector.metrics_collected_total`, `collector.metrics_failed_total`, `collector.collection_duration_seconds`,
    `uploader.metrics_uploaded_total`, `uploader.metrics_rejected_total`, `uploader.upload_failures_total`,
    `uploader.upload_duration_seconds`, `storage.metrics_pending_upload`, `storage.database_size_bytes` and
    `storage.wal_size_bytes`. Durations have the tag `quantile`, and are absent when there was no run.

    Raises NoData where there is no database."""
    connection = world.connection
    if connection is None:
        raise NoData("there is no database to look into")
    frontier = queue.frontier(connection)
    after = max(int(world.state) if world.state.isdecimal() else 0, frontier - LONGEST_MS)
    collected, failed = figures.totals_of(connection, "collect")
    _, upload_failures = figures.totals_of(connection, "upload")
    _, sent, rejected = queue.totals(connection)
    database_bytes, log_bytes = figures.sizes(connection)
    samples = [
        Sample("collector.metrics_collected_total", collected),
        Sample("collector.metrics_failed_total", failed),
        *_quantiles("collector.collection_duration_seconds", figures.durations_us(connection, "collect", after)),
        Sample("uploader.metrics_uploaded_total", sent),
        Sample("uploader.metrics_rejected_total", rejected),
        Sample("uploader.upload_failures_total", upload_failures),
        *_quantiles("uploader.upload_duration_seconds", figures.durations_us(connection, "upload", after)),
        Sample("storage.metrics_pending_upload", figures.pending(connection)),
        Sample("storage.database_size_bytes", database_bytes),
        Sample("storage.wal_size_bytes", log_bytes),
    ]
    return Reading(samples, str(frontier))


def _quantiles(name: str, durations_us: list[int]) -> list[Sample]:
    if not durations_us:
        return []
    ordered = sorted(durations_us)
    # The least that this percentage of them does not exceed: the rank is rounded up.
    ranks = [(-(-len(ordered) * percent // 100), tag) for percent, tag in QUANTILES]
    return [Sample(name, ordered[rank - 1] / 1_000_000, {"quantile": tag}) for rank, tag in ranks]
