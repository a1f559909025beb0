"""The looks of a report: for a telephone, a desk and paper, light and dark."""

from __future__ import annotations

from ..chart.style import CSS as CHARTS

CSS = (
    CHARTS
    + """
:root{color-scheme:light dark;--ink:#1b2129;--quiet:#4a5260;--ground:#fff;--raised:#f4f6f8;--edge:#d9dde3;
--fault:#b3261e;--strain:#8a5200;--symptom:#5c3d99;--note:#4a5260;--link:#0b57a4;--well:#1b6b3a}
@media (prefers-color-scheme:dark){:root{--ink:#e7ebf0;--quiet:#b4bcc8;--ground:#15191e;--raised:#1d232a;
--edge:#323943;--fault:#ff8a80;--strain:#f5b35c;--symptom:#c7b0ff;--note:#b4bcc8;--link:#8ec2ff;--well:#7fd6a0}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:72rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;line-height:1.25;margin:.2rem 0 .5rem}
h2{font-size:1.2rem;margin:2rem 0 .6rem;border-bottom:1px solid var(--edge)}
h3{font-size:1.05rem;line-height:1.35;margin:0 0 .3rem}
a{color:var(--link)}
p{margin:.3rem 0}
.verdict{font-size:1.1rem;border-left:4px solid var(--well);padding-left:.8rem}
.verdict.harmed{border-color:var(--fault)}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:0 1.5rem;margin:1rem 0}
.facts div{display:flex;justify-content:space-between;gap:1rem;border-bottom:1px solid var(--edge);padding:.2rem 0}
.facts dt{color:var(--quiet);flex:none}
.facts dd{margin:0;text-align:right}
article{background:var(--raised);border-left:4px solid var(--note);border-radius:4px;padding:.7rem .9rem;margin:.7rem 0}
article.fault{border-color:var(--fault)}article.strain{border-color:var(--strain)}
article.symptom{border-color:var(--symptom)}
.kind{font-size:.8rem;font-weight:600;color:var(--note)}
.fault .kind{color:var(--fault)}.strain .kind{color:var(--strain)}.symptom .kind{color:var(--symptom)}
.quiet,small{color:var(--quiet)}
ol.steps{list-style:none;margin:.4rem 0;padding:0}
ol.steps li{display:flex;gap:.7rem}
ol.steps b{flex:none;min-width:5.2rem;text-align:right;font-weight:400;color:var(--quiet)}
.minutes{margin:0;padding:0;list-style:none}
.minutes li{padding:.2rem 0;border-bottom:1px solid var(--edge)}
details{margin-top:.4rem}
summary{cursor:pointer;color:var(--link)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.2rem .7rem .2rem 0;border-bottom:1px solid var(--edge)}
td a{white-space:nowrap}
td.time{white-space:nowrap;font-variant-numeric:tabular-nums}
code{font-size:.92em}
.rules dt{font-weight:600;margin-top:.7rem}
.rules dd{margin:0}
footer{margin-top:2rem;color:var(--quiet);font-size:.85rem}
@media (max-width:30rem){main{padding:.7rem}.facts{grid-template-columns:1fr}ol.steps b{min-width:4.2rem}
td,th{padding-right:.5rem}}
@media print{body{font-size:11pt}article,tr{break-inside:avoid}details::details-content{content-visibility:visible;
display:block;height:auto}summary{display:none}.screen{display:none}}
"""
)
