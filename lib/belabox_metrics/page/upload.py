"""What has left the box, and what waits."""

from __future__ import annotations

from ..markup import escaped
from ..quantity import shown
from .pieces import TEXT_LIMIT, card, figure, figures
from .words import ago

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .view import View


def upload(view: View) -> str:
    """The card of uploads and of the database they come from."""
    components = view.report["components"]
    uploader, storage = components["uploader"], components["storage"]
    details = uploader["details"]
    items = [
        figure("Last upload", _since(details["time_since_upload_seconds"], details["last_upload_time"])),
        figure("Waiting", _count(details["pending_count"]), ", ".join(["samples", *_rest(details)])),
        figure("Sent", _count(details["metrics_uploaded"]), "samples"),
        figure("Database", shown("size_bytes", storage["details"]["database_size_bytes"]), _oldest(storage["details"])),
    ]
    message = f'<p class="live">{escaped(str(uploader["message"]), TEXT_LIMIT)}</p>'
    return card("upload", "Uploads", f"{message}{figures(items)}")


def _since(seconds: object, last: object) -> str:
    if isinstance(seconds, int):
        return ago(seconds * 1000)
    return "before this boot" if last else "none yet"


def _count(count: object) -> str:
    return f"{count:,}" if isinstance(count, int) else "not known"


def _rest(details: dict[str, object]) -> list[str]:
    told = []
    if details.get("retry_queue_size"):
        told.append(f"{details['retry_queue_size']} were sent and not accepted yet")
    if details.get("rejected_count"):
        told.append(f"{details['rejected_count']} were set aside")
    return told


def _oldest(details: dict[str, object]) -> str:
    oldest = details.get("oldest_metric_timestamp")
    return f"since {str(oldest)[:10]}" if oldest else ""
