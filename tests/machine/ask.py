"""Asks a VictoriaMetrics a PromQL query and prints what it answers, one series a line.

ask.py http://127.0.0.1:8428 QUERY      exit code 1 when there is no such series
"""

from __future__ import annotations

import json
import sys
from urllib.parse import urlencode
from urllib.request import urlopen


def ask(server: str, query: str) -> list[str]:
    with urlopen(f"{server}/api/v1/query?{urlencode({'query': query})}", timeout=10) as answer:
        found = json.load(answer)["data"]["result"]
    return [shown(series["metric"], float(series["value"][1])) for series in found]


def shown(labels: dict[str, str], value: float) -> str:
    name = labels.pop("__name__", "")
    rest = ", ".join(f'{key}="{labels[key]}"' for key in sorted(labels))
    return f"{name}{{{rest}}} {value:.2f}"


if __name__ == "__main__":
    lines = ask(*sys.argv[1:])
    print("\n".join(lines))
    sys.exit(not lines)
