from __future__ import annotations

METRIC = "beta.flow"
PRIORITY = 1
SETTINGS: dict[str, tuple[str, object]] = {
    "url": ("url", ""),
    "file": ("path", ""),
    "only": ("pattern", ""),
    "without": ("patterns", ["lo", "veth.*"]),
    "most": ("count", 32),
    "level": ("integer", 0),
    "factor": ("number", 1.5),
    "deep": ("boolean", False),
    "label": ("text", "x"),
    "timeout": ("duration", 3000),
}


def not_scheduled(settings: dict[str, object]) -> str:
    return "" if settings["url"] else "no url"
