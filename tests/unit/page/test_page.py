"""What stands on the page, and what does not: by the numbers of a database that is known."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.browser.streaming_box import HOSTILE, SESSION, StreamingBox

from belabox_metrics import clock
from belabox_metrics.health.access import Access
from belabox_metrics.health.request import parse
from belabox_metrics.health.visit import Visit
from belabox_metrics.page import page
from belabox_metrics.page.style import STYLE

# What a telephone on a bad link gets before anything is seen.
FIRST_PAINT = 60 * 1024


class Seen(HTMLParser):
    """The texts by the id of the section they stand in, and every tag and attribute."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: dict[str, list[str]] = {}
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        name = dict(attrs).get("id")
        if tag == "section" and name:
            self._within = name

    def handle_data(self, data: str) -> None:
        self.words.setdefault(self._within, []).append(data)

    def said(self, section: str) -> str:
        return " ".join(" ".join(self.words.get(section, [])).split())


def html(path: Path | str, access: Access | None = None) -> str:
    request = parse(b"GET / HTTP/1.1\r\n\r\n")
    assert request is not None
    from belabox_metrics.store.database import Store

    answer = page.answer(Visit(Store(str(path)), request, access or Access([], ""), {}))
    assert answer.status == 200
    return answer.body.decode()


@pytest.fixture
def box(tmp_path: Path) -> StreamingBox:
    return StreamingBox(tmp_path / "metrics.db")


def test_a_stream_that_is_well(box: StreamingBox) -> None:
    seen = Seen(html(box.store.path))
    now = box.samples(0, live=True)
    assert seen.said("state").startswith("✓ ok 9 metrics are collected; uploads arrive")
    stream = seen.said("stream")
    assert "live since" in stream
    assert "for 1 h 35 min, started anew 2 times" in stream
    bitrate, rtt, loss = (float(str(sample.value)) for sample in now["srt.relay"])
    assert f"Bitrate {bitrate / 1000:.3g} Mbit/s at the relay" in stream
    assert f"Round trip {rtt:g} ms" in stream
    assert f"Packet loss {loss:g} %" in stream
    assert "Score 93 of 100 held down by: round trip" in stream
    assert "usb0 3.08 Mbit/s 50 % signal 71 %, RSRP -97 dBm, lte eth0 1.85 Mbit/s 30 % no modem" in stream
    assert (
        "Temperature 61 °C Processor 38 % of 8 cores Memory 3.22 GB of 16.8 GB Disk / 43.1 % 33 GB free"
        in seen.said("box")
    )
    assert "Waiting 0 samples Sent 12,345 samples" in seen.said("upload")
    assert "! srt lost (timeout) no acknowledgement for six seconds" in seen.said("events")
    assert ("href", f"/report/{SESSION}") in seen.attributes
    assert "live" in seen.said("streams")
    assert "3 h, completed" in seen.said("streams")
    assert {"session", "hour"} <= set(seen.words)


def test_what_there_is_not_is_said_in_words(tmp_path: Path) -> None:
    box = StreamingBox(tmp_path / "metrics.db", live=False)
    box.fail("memory.usage", "no such file")
    seen = Seen(html(box.store.path))
    assert "No stream is live. The last one ended 27 h ago." in seen.said("stream")
    assert "Memory not known no such file" in seen.said("box")
    assert "Nothing happened that is worth telling." in seen.said("events")
    assert "session" not in seen.words
    assert "No numbers were recorded of: bitrate, round trip, packet loss." in seen.said("hour")
    assert seen.said("state").startswith("! degraded memory.usage: the last run failed: no such file")


def test_the_plots_of_a_new_box_begin_where_its_record_does(tmp_path: Path) -> None:
    box = StreamingBox(tmp_path / "metrics.db", live=False)
    assert Seen(html(box.store.path)).said("hour").startswith("The last hour ")
    for minutes, told in ((12, "12 min"), (1, "3 min")):
        with box.store.writing() as connection:
            connection.execute("DELETE FROM runs WHERE id < ?", (box.now.wall_ms - minutes * 60_000,))
        text = html(box.store.path)
        assert Seen(text).said("hour").startswith(f"The last {told}, since the record begins ")
        curve = re.search(r'<path class="line k0" d="M([0-9.]+)', text)
        assert curve is not None
        assert float(curve[1]) < (100 if minutes == 12 else 800), "not from the left of 1000"


def test_of_a_stream_that_nobody_measures_only_what_is_known(box: StreamingBox) -> None:
    box.fail("srt.relay", "relay: connection refused")
    box.fail("stream.links", "no table of routes")
    box.fail("stream.health", "why")
    stream = Seen(html(box.store.path)).said("stream")
    assert "Bitrate not known no table of routes" in stream
    assert "Round trip not known relay: connection refused" in stream
    assert "Score not known why" in stream
    assert "What each link carries is not known: no table of routes." in stream


def test_old_numbers_are_not_those_of_now(box: StreamingBox, monkeypatch: pytest.MonkeyPatch) -> None:
    later = box.moment(3_600_000)
    monkeypatch.setattr(clock, "now", lambda: later)
    seen = Seen(html(box.store.path))
    assert seen.said("state").startswith("✕ error")
    assert "Temperature not known not collected for 60 min" in seen.said("box")
    assert "Whether a stream is live is not known" in seen.said("stream")


def test_an_alert_stands_above_all(box: StreamingBox) -> None:
    box.alert("cpu.temperature", "cpu_temperature", box.now.wall_ms - 300_000)
    assert "ok alert cpu_temperature of cpu.temperature, since " in Seen(html(box.store.path)).said("state")


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_text("x" * 5000)]
)
def test_without_a_database_it_says_so_and_no_more(make: object, tmp_path: Path) -> None:
    assert callable(make)
    make(tmp_path / "metrics.db")
    seen = Seen(html(tmp_path / "metrics.db"))
    assert seen.said("state").startswith("✕ error uploader: not known: the database can't be read storage: ")
    assert set(seen.words) == {"", "state"}


def test_nothing_that_a_device_calls_itself_is_markup(tmp_path: Path) -> None:
    box = StreamingBox(tmp_path / "metrics.db", hostile=True)
    box.fail("cpu.usage", f"{HOSTILE}\"' onload=alert(1) \x1b[31m \ud800")
    text = html(box.store.path)
    seen = Seen(text)
    assert seen.tags.count("script") == 1
    assert HOSTILE not in text
    assert HOSTILE in seen.said("stream")
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"]
    assert "\x1b" not in text


def test_whatever_stands_in_the_rows_there_is_a_page(box: StreamingBox) -> None:
    with box.store.writing() as connection:
        connection.execute("UPDATE runs SET packed = '[1e999, null, \"x\", {}]' WHERE id % 3 = 0")
        connection.execute("UPDATE runs SET packed = 'no json' WHERE id % 7 = 1")
        connection.execute("UPDATE series SET tags = 'no json' WHERE shape % 2 = 0")
        connection.execute("UPDATE sessions SET metadata = '[', end_time = 'soon' WHERE number = 1")
    assert "</html>" in html(box.store.path)


def test_a_session_of_which_nobody_knows_when_it_was_is_left_out(box: StreamingBox) -> None:
    with box.store.writing() as connection:
        connection.execute("UPDATE sessions SET end_time = 'soon' WHERE number = 1")
    seen = Seen(html(box.store.path))
    assert seen.said("state").startswith("✓ ok")
    assert (seen.said("streams").count("live"), seen.said("streams").count("completed")) == (1, 0)


def test_damaged_tags_cost_no_more_than_themselves(box: StreamingBox) -> None:
    damaged = ("stream.link_bitrate_kbps", "stream.event")
    with box.store.writing() as connection:
        connection.execute("UPDATE series SET tags = '{' WHERE name IN (?, ?)", damaged)
    seen = Seen(html(box.store.path))
    assert seen.said("state").startswith("✓ ok")
    assert "Bitrate" in seen.said("session")
    assert "no acknowledgement for six seconds" in seen.said("events")


def test_who_may_see_it_is_said(box: StreamingBox) -> None:
    for access, words in (
        (Access([], ""), "answers this box alone"),
        (Access(["10.0.0.0/8"], ""), "answers this box, 10.0.0.0/8 ·"),
        (Access([], "t"), "answers this box without a token, and whoever has the token"),
    ):
        assert words in html(box.store.path, access)


def test_it_is_small_whole_and_bound_to_its_policy(box: StreamingBox) -> None:
    request = parse(b"GET / HTTP/1.1\r\n\r\n")
    assert request is not None
    answer = page.answer(Visit(box.store, request, Access([], ""), {}))
    text = answer.body.decode()
    assert len(answer.body) < FIRST_PAINT
    policy = next(field for field in answer.fields if field.startswith("Content-Security-Policy: "))
    assert "default-src 'none'" in policy
    for element in ("style", "script"):
        found = re.findall(f"<{element}>(.*?)</{element}>", text, re.DOTALL)
        assert len(found) == 1
        assert f"'sha256-{b64encode(hashlib.sha256(found[0].encode()).digest()).decode()}'" in policy
    assert not re.search(r'(?:src|href)="(?!/|data:image/svg)', text)


def luminance(colour: str) -> float:
    """WCAG 2, relative luminance of #rgb or #rrggbb."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "ground"),
        ("ink", "card"),
        ("soft", "ground"),
        ("soft", "card"),
        ("key", "ground"),
        ("key", "card"),
        ("error-ink", "ground"),
        ("error-ink", "card"),
        *[(f"{status}-ink", status) for status in ("ok", "degraded", "error")],
    ],
)
def test_colours_can_be_read(ink: str, ground: str, dark: bool) -> None:
    own = STYLE[STYLE.index(":root{color-scheme") :]
    light, night = re.findall(r":root\{([^}]*)\}", own)[:2]
    colours = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]+)", (night if dark else light).replace("\n", "")))
    bright, dim = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 4.5
