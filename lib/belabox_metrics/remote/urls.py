"""URLs: as they may be shown, and those that belong to the configured one."""

from __future__ import annotations

from urllib.parse import unquote_plus, urlsplit

from ..errors import ConfigProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    # scheme, host, port
    Origin = tuple[str, str, Optional[int]]

SHORT = 6

_PORTS = {"http": 80, "https": 443}


def endpoint(url: str) -> str:
    """`url` as it may be shown: without user, password and query."""
    return _origin_text(url) + urlsplit(url).path


def query_secrets(url: str) -> list[bytes]:
    """What of the query of `url` a server must not be quoted with: all of it, and its values, as they are sent and as
    they are meant. Those of less than SHORT characters are no secrets, and would be found in every other word."""
    query = urlsplit(url).query
    values = [value for _, _, value in [part.partition("=") for part in query.split("&")]]
    found = [query, *values, *map(unquote_plus, values)]
    return [text.encode() for text in dict.fromkeys(found) if len(text) >= SHORT]


def origin(url: str) -> Origin:
    """What RFC 6454 calls the origin. Whoever got a secret at one of them may not be trusted at another."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def export_url(import_url: str, query_url: str = "") -> str:
    """Where VictoriaMetrics gives back what `import_url` took: `/api/v1/export` of the same prefix; on a cluster below
    `/select/ACCOUNT/` what was written below `/insert/ACCOUNT/`.

    `query_url` is another server (`http://vmselect:8481`), or all that goes before `/api/v1/`; its query is kept.
    Raises ConfigProblem when neither tells."""
    told = urlsplit(query_url)
    prefix, found = _before_api(told.path)
    if not prefix and not found:
        prefix, found = _before_api(urlsplit(import_url).path)
        if not found:
            raise ConfigProblem(
                "has no /api/v1/ in it, so where to ask can't be told from it",
                where="remote.url",
                hint="set remote.query_url",
            )
        if prefix.startswith("/insert/"):
            prefix = prefix.replace("/insert/", "/select/", 1)
    query = f"?{told.query}" if told.query else ""
    return f"{_origin_text(query_url or import_url)}{prefix}/api/v1/export{query}"


def date_url(import_url: str, clock_skew_url: str = "") -> str:
    """A URL whose answer tells the server's time: the configured one, else `/health` of the server of `import_url`. An
    import answers only to samples."""
    return clock_skew_url or f"{_origin_text(import_url)}/health"


def _before_api(path: str) -> tuple[str, bool]:
    """What of `path` goes before `/api/v1/`, and whether there was one."""
    prefix, found, _ = f"{path}/".partition("/api/v1/")
    return prefix.rstrip("/"), bool(found)


def _origin_text(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"
