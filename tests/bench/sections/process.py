"""CPU and memory of one process: each collector and the naive form, over the bare interpreter."""

from __future__ import annotations

from ..figures import Figure
from ..options import Options
from ..processes import BARE, METRICS, NAIVE, Installed, peak_mib, relay, spreads

ROUNDS = 40


def measure(options: Options) -> list[Figure]:
    with relay() as port:
        installed = Installed(options.folder("process"), port)
        naive = [*NAIVE, str(installed.folder / "naive.db"), str(installed.config)]
        forms = {"bare": BARE, "naive": naive, "naive, requests too": [*naive, "--requests"]}
        forms.update({metric: installed.collect(metric) for metric in METRICS})
        cpu: dict[str, list[float]] = {name: [] for name in forms}
        for round_number in range(options.turns(ROUNDS) + 1):
            for name, command in forms.items():
                spent = installed.run(command)
                if round_number:  # the first finds cold caches
                    cpu[name].append(spent)
            installed.tidy()
        memory = {name: peak_mib(command, installed.environment) for name, command in forms.items()}
    found = spreads(cpu)
    floor = found["bare"]
    figures = [Figure("process", "bare interpreter", floor.median, "ms", str(floor))]
    for name in list(forms)[1:]:
        ours = name in METRICS
        detail = f"{found[name]} ms, lower quartiles {found[name].low / floor.low:.2f}"
        figures.append(Figure("process", f"{name} ÷ bare", found[name].over(floor), "x", detail, 2.0 if ours else None))
    beside = f"resident; bare {memory['bare']:.1f}, naive {memory['naive']:.1f}"
    for name in METRICS:
        figures.append(Figure("process", f"{name}, peak memory", memory[name], "MiB", beside, 14))
    return figures
