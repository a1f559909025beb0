"""The page for a browser that has to show the token first."""

from __future__ import annotations

from ..health.answer import page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..health.answer import Answer

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2330;--soft:#5a6472;--ground:#f4f5f7;--card:#fff;--line:#8a93a0;--key:#0b57a4}
@media (prefers-color-scheme:dark){:root{--ink:#e7eaef;--soft:#a6afbb;--ground:#0f1216;--card:#181c22;--line:#6b7582;
--key:#7db8ff}}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:24rem;margin:15vh auto 0;padding:1.5rem;background:var(--card);border-radius:.75rem}
h1{margin:0 0 .5rem;font-size:1.25rem}
p{margin:0 0 1rem;color:var(--soft)}
label{display:block;margin-bottom:.25rem;font-weight:600}
input,button{box-sizing:border-box;width:100%;padding:.6rem;border:1px solid var(--line);border-radius:.5rem}
input,button{font:inherit}
input{margin-bottom:1rem;background:var(--ground);color:var(--ink)}
button{border-color:var(--key);background:var(--key);color:var(--card);font-weight:600}
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>belabox-metrics: who asks?</title><link rel="icon" href="data:,"><style>{style}</style></head>
<body><main><h1>Who asks?</h1><p>{said}</p>
<form method="get"><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Show this box</button></form></main></body></html>
"""


def answer(wrong: bool) -> Answer:
    """It says so where the token that was shown is `wrong`."""
    said = "That is not the token of this box." if wrong else "From this network the box asks for its token."
    return page(
        401,
        _PAGE.format(style=_STYLE, said=said),
        "WWW-Authenticate: Bearer",
        styles=(_STYLE,),
        form=True,
    )
