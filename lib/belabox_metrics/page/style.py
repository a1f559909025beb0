"""The looks of the page: light and dark, from a telephone to a screen, with the fonts that are there.

Colours of text have a contrast of 4.5 and more to what is behind them (WCAG AA); a test holds them to it.
"""

from __future__ import annotations

from ..chart.style import CSS

STYLE = (
    CSS
    + """
:root{color-scheme:light dark;--ink:#1b2330;--soft:#545e6c;--ground:#f3f4f6;--card:#fff;--line:#e1e4e9;--key:#0b57a4;
--ok:#e3f4e8;--ok-ink:#0f5a2a;--degraded:#fff1d6;--degraded-ink:#7a4300;--error:#fde4e1;--error-ink:#97180f;
--bar:#2f6fb3;--chart-ground:var(--card);--chart-grid:var(--line);--chart-ink:var(--soft)}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#a3adba;--ground:#0e1115;--card:#171b21;--line:#2a313a;
--key:#82b9ff;--ok:#11301d;--ok-ink:#8fe0a9;--degraded:#3a2a08;--degraded-ink:#ffcf7d;--error:#421512;
--error-ink:#ffb1a8;--bar:#5b9be0}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
header,main,footer{max-width:76rem;margin:0 auto;padding:0 1rem}
header{display:flex;flex-wrap:wrap;gap:0 1rem;align-items:baseline;padding-top:1rem;padding-bottom:.75rem}
header b{font-size:1.05rem;overflow-wrap:anywhere}
header span,footer{color:var(--soft);font-size:.85rem}
#note{color:var(--error-ink);font-weight:600}
main{display:grid;gap:1rem;grid-template-columns:minmax(0,1fr)}
footer{padding-top:1rem;padding-bottom:2rem}
footer a,.streams a{color:var(--key)}
.banner,.card{padding:1rem 1.25rem;border-radius:.9rem}
.banner.ok{background:var(--ok);color:var(--ok-ink)}
.banner.degraded{background:var(--degraded);color:var(--degraded-ink)}
.banner.error{background:var(--error);color:var(--error-ink)}
.banner h1{display:flex;align-items:center;gap:.6rem;margin:0;font-size:1.9rem;line-height:1.2;letter-spacing:-.01em}
.banner .sign{display:inline-grid;place-items:center;width:2.1rem;height:2.1rem;border:2px solid;border-radius:50%;
font-size:1.15rem;line-height:1}
.banner ul{margin:.5rem 0 0;padding:0;list-style:none;overflow-wrap:anywhere}
.banner .alerts{font-weight:700}
.card{background:var(--card);min-width:0}
.card h2{margin:0 0 .5rem;font-size:.8rem;font-weight:600;letter-spacing:.06em;text-transform:uppercase;
color:var(--soft)}
.card h3{margin:1rem 0 .25rem;font-size:.85rem;font-weight:600;color:var(--soft)}
.live,.none{margin:0 0 .75rem;overflow-wrap:anywhere}
.live::first-letter{text-transform:uppercase}
.none{color:var(--soft)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.2rem,1fr));gap:1rem;margin:0}
.figures>div{min-width:0}
.figures dt{color:var(--soft);font-size:.85rem;overflow-wrap:anywhere}
.figures dd{margin:0;font-size:1.45rem;line-height:1.25;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.figures .more,.links .more{color:var(--soft);font-size:.8rem;line-height:1.4}
.figures .absent dd{color:var(--soft);font-size:1rem}
.figures .absent .more{font-size:.8rem}
.bar{display:block;line-height:0!important;padding-top:.4rem}
.bar .whole{fill:var(--line)}
.bar .part{fill:var(--bar)}
.links,.events,.streams{margin:0;padding:0;list-style:none}
.links li{display:grid;grid-template-columns:minmax(0,1fr) auto 3.6rem;gap:0 .75rem;padding:.45rem 0;
border-top:1px solid var(--line);font-variant-numeric:tabular-nums}
.links li:first-child,.events li:first-child,.streams li:first-child{border-top:0}
.links b{overflow-wrap:anywhere}
.links span{text-align:right}
.links .more,.links .bar{grid-column:1/-1;text-align:left}
.events li{display:grid;grid-template-columns:5.6rem minmax(0,1fr);gap:.75rem;padding:.35rem 0;
border-top:1px solid var(--line);overflow-wrap:anywhere}
.events time{color:var(--soft);font-variant-numeric:tabular-nums}
.events .bad b{color:var(--error-ink)}
.streams li{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;padding:.35rem 0;
border-top:1px solid var(--line)}
.streams span{color:var(--soft)}
.plots{display:grid;gap:.25rem 2rem;grid-template-columns:minmax(0,1fr)}
a:focus-visible{outline:3px solid var(--key);outline-offset:2px;border-radius:.2rem}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media (min-width:44rem){main{grid-template-columns:repeat(2,minmax(0,1fr))}.banner,.wide{grid-column:1/-1}
.tall{grid-row:span 2}.plots{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media (min-width:44rem) and (max-width:69.99rem){.plots>:first-child:nth-last-child(odd){grid-column:1/-1}}
@media (min-width:70rem){.figures{grid-template-columns:repeat(4,minmax(0,1fr))}.figures dd{font-size:1.25rem}
.plots{grid-template-columns:repeat(3,minmax(0,1fr))}}
@media print{body{background:none}.card{break-inside:avoid}}
"""
)
