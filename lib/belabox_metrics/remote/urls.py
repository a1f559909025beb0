"""URLs: as they may be shown, and those that belong to the configured one."""

from __future__ import annotations

from urllib.parse import urlsplit


def endpoint(url: str) -> str:
    """`url` as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path}"
