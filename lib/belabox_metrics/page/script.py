"""The few lines that keep the page up to date.

What has changed is put in the place of what it was: nothing is loaded anew, nothing flickers, the place where the
reader is stays, and what the reader has in focus too. Nobody looks, nothing is asked. Without a script the page asks
a browser to load it again now and then.
"""

from __future__ import annotations

EVERY_S = 5

SCRIPT = """
(() => {
  const every = EVERY_MS, note = document.getElementById("note");
  let failed = 0;
  const swap = text => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const main = fresh.querySelector("main");
    if (!main) throw new Error("no page");
    const here = document.querySelector("main"), focused = document.activeElement;
    const back = focused && focused.getAttribute("href");
    [...here.children].forEach(old => { if (!fresh.getElementById(old.id)) old.remove(); });
    [...main.children].forEach((part, at) => {
      const old = document.getElementById(part.id);
      if (!old) here.insertBefore(part, here.children[at] || null);
      else if (old.outerHTML !== part.outerHTML) old.replaceWith(part);
    });
    if (back && !focused.isConnected) {
      const again = [...here.querySelectorAll("a")].find(link => link.getAttribute("href") === back);
      if (again) again.focus({preventScroll: true});
    }
    const word = fresh.getElementById("word").textContent, told = document.getElementById("word");
    if (told.textContent !== word) told.textContent = word;
    document.title = fresh.title;
    const icon = fresh.querySelector("link[rel=icon]"), shown = document.querySelector("link[rel=icon]");
    if (icon && shown.href !== icon.href) shown.href = icon.href;
    document.getElementById("at").textContent = fresh.getElementById("at").textContent;
  };
  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/", {headers: {accept: "text/html"}, signal: AbortSignal.timeout(every * 4)});
      if (answer.status === 401) location.reload();
      if (!answer.ok) throw new Error(answer.status);
      swap(await answer.text());
      failed = 0;
      note.textContent = "";
    } catch (error) {
      failed += 1;
      note.textContent = "not reached any more: this is how it was then";
    }
  };
  const loop = async () => { await ask(); setTimeout(loop, every * Math.min(1 + failed, 6)); };
  setTimeout(loop, every);
  document.addEventListener("visibilitychange", ask);
})();
""".replace("EVERY_MS", str(EVERY_S * 1000))
