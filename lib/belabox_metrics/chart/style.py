"""The looks of charts: one style sheet, light and dark, to be put into the page that has charts in it.

A page may set the variables anew. The colours are told apart by most people who do not tell red from green, and the
lines by their dashes by all.
"""

from __future__ import annotations

CSS = """
:root{--chart-ink:#4a5260;--chart-grid:#d9dde3;--chart-ground:#fff;--chart-bad:#b3261e;--chart-mark:#7a8290;
--chart-span:rgba(179,38,30,.13);--chart-0:#0b62b5;--chart-1:#b45309;--chart-2:#0f766e;--chart-3:#9d2c8a;
--chart-4:#5b6b00;--chart-5:#4d4d9f}
@media (prefers-color-scheme:dark){:root{--chart-ink:#b4bcc8;--chart-grid:#323943;--chart-ground:#15191e;
--chart-bad:#ff8a80;--chart-mark:#7d8794;--chart-span:rgba(255,138,128,.17);--chart-0:#6cb2ff;--chart-1:#f5a94c;
--chart-2:#4fd1b8;--chart-3:#ee8fdc;--chart-4:#c5d64a;--chart-5:#a9a9ff}}
.chart{margin:0 0 1rem;color:var(--chart-ink)}
.chart>svg{display:block}
.chart figcaption{font-weight:600}
.chart ul{display:flex;flex-wrap:wrap;gap:0 1rem;margin:0;padding:0;list-style:none;font-size:.85rem}
.chart ul svg{vertical-align:middle}
.chart b{font-weight:400;white-space:nowrap;opacity:.85}
.chart text{fill:var(--chart-ink);font:11px/1 system-ui,sans-serif}
.chart text.level{paint-order:stroke;stroke:var(--chart-ground);stroke-width:3px}
.chart line.level,.chart line.time{stroke:var(--chart-grid);stroke-width:1}
.chart .line{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke}
.chart .band{stroke:none;opacity:.2}
.chart .span{fill:var(--chart-span)}
.chart .mark line{stroke:var(--chart-mark);stroke-dasharray:2 3}
.chart .mark.bad line{stroke:var(--chart-bad);stroke-dasharray:none}
.chart .mark.bad text{fill:var(--chart-bad);font-weight:700}
.chart .line.k0{stroke:var(--chart-0)}.chart .band.k0{fill:var(--chart-0)}
.chart .line.k1{stroke:var(--chart-1);stroke-dasharray:7 3}.chart .band.k1{fill:var(--chart-1)}
.chart .line.k2{stroke:var(--chart-2);stroke-dasharray:2 4}.chart .band.k2{fill:var(--chart-2)}
.chart .line.k3{stroke:var(--chart-3);stroke-dasharray:9 3 2 3}.chart .band.k3{fill:var(--chart-3)}
.chart .line.k4{stroke:var(--chart-4);stroke-dasharray:14 4}.chart .band.k4{fill:var(--chart-4)}
.chart .line.k5{stroke:var(--chart-5);stroke-dasharray:4 4}.chart .band.k5{fill:var(--chart-5)}
@media print{.chart{break-inside:avoid}}
"""
