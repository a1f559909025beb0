"""Of a server for the format `json` only one thing can be asked: up to when it has taken anything of this device.

`GET /api/v1/checkpoint?device_id=belabox-001` -> `{"checkpoint": 1760193000456}`, Unix ms, null for nothing. Source:
docs/receiver.md.
"""

from __future__ import annotations

import time
from urllib.parse import quote, urlsplit

from ..json_text import parse
from ..remote.client import Client
from ..remote.urls import endpoint
from ..upload.formats.refusal import LAST_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..remote.access import Access
    from ..remote.settings import Remote


def checkpoint(remote: Remote, access: Access) -> str:
    """What it says, in words; "" when it says nothing that makes sense. Raises Unreachable and ConfigProblem."""
    base, found, _ = endpoint(remote.url).partition("/api/")
    if not found or not urlsplit(base).hostname:
        return ""
    url = f"{base}/api/v1/checkpoint?device_id={quote(remote.device_id, safe='')}"
    reply = Client(access, remote.timeout_s).get(url)
    if reply.status != 200:
        return ""
    try:
        answer = parse(reply.body.decode())
    except ValueError:
        return ""
    if not isinstance(answer, dict) or "checkpoint" not in answer:
        return ""
    said = answer["checkpoint"]
    if said is None:
        return "the server has nothing of this device"
    if type(said) is not int or not 0 <= said <= LAST_MS:
        return ""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(said / 1000))
    return f"the newest that the server has of this device is of {stamp}"
