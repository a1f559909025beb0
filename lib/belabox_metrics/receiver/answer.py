"""What is said to a request."""

from __future__ import annotations

import json

from .body import Refusal

JSON, TEXT, HTML = "application/json", "text/plain; charset=utf-8", "text/html; charset=utf-8"


class Answer:
    """`content` is the type of `payload`, "" where there is none. `extra` are headers, with _ for -."""

    __slots__ = ("content", "extra", "payload", "status")

    def __init__(self, status: int, content: str = "", payload: bytes = b"", **extra: str) -> None:
        self.status = status
        self.content = content
        self.payload = payload
        self.extra = {name.replace("_", "-"): value for name, value in extra.items()}


def of_json(status: int, value: object, **extra: str) -> Answer:
    return Answer(status, JSON, json.dumps(value).encode() + b"\n", **extra)


def of_refusal(refusal: Refusal) -> Answer:
    extra = {"WWW_Authenticate": "Bearer"} if refusal.status == 401 else {}
    if refusal.allowed:
        extra["Allow"] = refusal.allowed
    return of_json(refusal.status, {"success": False, "error": str(refusal)}, **extra)
