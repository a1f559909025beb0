"""Can the server be reached, does it know us, and does it take samples? Nothing is stored there by asking.

Name, connection, TLS and credentials each have their own words, since each is mended by somebody else.
"""

from __future__ import annotations

import socket

from ..dialling import NoAnswer, addresses
from ..errors import ConfigProblem, Problem
from ..owner import As
from ..remote.access import Access
from ..remote.client import Client
from ..remote.settings import Remote
from ..remote.unreachable import Unreachable
from ..remote.urls import date_url, endpoint, origin
from ..store.database import Store
from ..store.instant import Instant
from .finding import note, ok, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..remote.client import Reply
    from .box import Box
    from .finding import Finding

# Seconds for each of: the name, an answer.
PATIENCE = 10.0
AUTH = "see remote.auth in the configuration; sudo ./install.sh --token-file FILE"
# An upload of no samples: no lines; a message without time series in blocks of snappy (a length of 0, nothing more).
_EMPTY = {
    "victoriametrics": (b"", {"Content-Type": "application/x-ndjson"}),
    "prometheus-remote-write": (
        b"\x00",
        {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
    ),
}


def examine(box: Box) -> Iterator[Finding]:
    try:
        with As(), Instant(Store(box.database)) as connection:
            remote = Remote(connection)
    except Problem as unread:
        yield note("where it is can't be read from the database", hint=unread.hint)
        return
    if not remote.enabled:
        yield ok(
            "nothing is sent: remote.enabled is false" if remote.url else "nothing is sent: there is no remote.url"
        )
        return
    remote.timeout_s = min(remote.timeout_s, PATIENCE)
    where = endpoint(remote.url)
    fault = _name(remote.url)
    if fault is not None:
        yield fault
        return
    client = Client(Access(remote), remote.timeout_s)
    try:
        yield from _asked(client, remote, where)
    except Unreachable as unreachable:
        yield problem(unreachable.what, unreachable.where, unreachable.hint or "everything stays stored and pending")
    except ConfigProblem as unfit:
        unseen = not box.is_root and unfit.hint == "use sudo"
        yield (note if unseen else problem)(unfit.what, unfit.where, unfit.hint)
    finally:
        client.close()


def _name(url: str) -> Finding | None:
    """What is wrong with the name of the server, None when it is known."""
    _, host, port = origin(url)
    try:
        addresses(host, port or 80, PATIENCE)
    except NoAnswer:
        return problem(f"no name server answers within {PATIENCE:g} s", host, "resolvectl status; ip route")
    except socket.gaierror as fault:
        return problem(f"the name is not known: {fault.strerror}", host, f"resolvectl query {host}")
    except OSError as fault:
        return problem(str(fault.strerror or fault), host)
    return None


def _asked(client: Client, remote: Remote, where: str) -> Iterator[Finding]:
    place = date_url(remote.url)
    reply = client.get(place)
    said = f"answers in {reply.duration_ms:.0f} ms"
    if place.startswith("https:"):
        said += ", and its certificate is trusted"
    yield ok(said, endpoint(place))
    if remote.format not in _EMPTY:
        yield note(f"whether it takes samples can't be asked in the format {remote.format}", where)
        return
    body, headers = _EMPTY[remote.format]
    yield _judged(client.post(remote.url, body, {"X-Device-ID": remote.device_id, **headers}), remote, where)


def _judged(reply: Reply, remote: Remote, where: str) -> Finding:
    status = reply.status
    if 200 <= status < 300:
        if reply.headers.get("content-type", "").lower().startswith("text/html"):
            return problem("answers with a web page: is it a log-in of the network?", where)
        who = "" if remote.auth_type == "none" else ", and knows this box"
        return ok(f"takes uploads{who}", where)
    if status in (401, 403):
        what = (
            "is sent no credentials"
            if remote.auth_type == "none"
            else f"does not know us by remote.auth.type {remote.auth_type}"
        )
        return problem(f"{status}: {what}", where, AUTH)
    if status in (404, 405):
        return problem(f"{status}: nothing takes uploads there", where, "see remote.url in the configuration")
    if 300 <= status < 400:
        return problem(f"{status}: it wants to be asked elsewhere", where, "see remote.url in the configuration")
    if status == 400:
        return note("400: it does not like an upload without samples, and nothing else could be asked", where)
    return problem(f"{status}: it can't take uploads now", where, "everything stays stored and pending")
