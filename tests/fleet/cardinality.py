"""How many series a box is to a server, and what each of its parts adds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from belabox_metrics.modem import series
from belabox_metrics.sample import canonical
from belabox_metrics.upload.formats.labels import labels_of

if TYPE_CHECKING:
    from belabox_metrics.sample import Sample

    from .streaming_box import Collected

MMCLI = Path(__file__).parents[1] / "fixtures/mmcli"


def by_metric(metrics: list[Collected]) -> dict[str, int]:
    """Series of each metric as they are sent, none counted twice."""
    seen: set[str] = set()
    found: Counter[str] = Counter()
    for one in metrics:
        sent = {_sent(sample) for sample in one.numbers}
        found[one.metric] = len(sent - seen)
        seen |= sent
    return dict(found)


def by_part(metrics: list[Collected], metric: str, tag: str) -> dict[str, int]:
    """Series of one metric for each value of a tag."""
    (numbers,) = [one.numbers for one in metrics if one.metric == metric]
    return dict(Counter(sample.tags[tag] for sample in numbers if tag in sample.tags))


def of_a_modem() -> int:
    """Of one with 5G beside LTE and its signals measured, as ModemManager tells of it: more than any other has."""
    modem = json.loads((MMCLI / "modem-5gnsa-connected.json").read_text())["modem"]
    signal = json.loads((MMCLI / "signal-5gnsa.json").read_text())["modem"]["signal"]
    tags = {"modem": "m"}
    samples = [*series.of(modem, tags), *series.signals(signal, tags)]
    return len({_sent(sample) for sample in samples if isinstance(sample.value, (int, float))})


def _sent(sample: Sample) -> str:
    return json.dumps(labels_of((sample.name, canonical(sample.tags)), "box"), sort_keys=True)
