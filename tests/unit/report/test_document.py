"""The file: whole in itself, for a telephone and for paper, and nothing in it is markup that was not meant to be."""

from __future__ import annotations

import csv
import io
import json
import re
from binascii import a2b_base64
from html.parser import HTMLParser

import pytest

from belabox_metrics.report import numbers
from belabox_metrics.report.document import html
from belabox_metrics.report.report import Report, document
from belabox_metrics.report.words import words

from .conftest import START, Stream
from .test_findings import EXPECTED, Script, hdmi_pulled, modem_pulled, relay_stalled

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m&\ud800'
VOID = {"meta", "img", "br", "link"}


class Reader(HTMLParser):
    """Every element must be closed; `tags`, `links`, `ids` and `text` are what there is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def table(page: Reader) -> list[list[str]]:
    (link,) = [link for link in page.links if link.startswith("data:")]
    return list(csv.reader(io.StringIO(a2b_base64(link.partition("base64,")[2]).decode(), newline="")))


@pytest.mark.parametrize("script", [script for script, _ in EXPECTED], ids=lambda script: script.__name__)
def test_it_is_whole_in_itself(stream: Stream, script: Script) -> None:
    script(stream)
    page = Reader(html(made := stream.play()))
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert not {name for name in page.attributes if name.startswith("on") or name == "style"}
    assert all(link.startswith(("#", "data:text/csv")) for link in page.links)
    assert {link[1:] for link in page.links if link[0] == "#"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    # What was found is said, in the order of time, with what it was derived from.
    places = [page.text.index(f"{number} · ") for number in range(1, len(made.incidents) + 1)]
    assert places == sorted(places)
    for one in made.incidents:
        assert one.lead.what in page.text
        assert f"#rule-{one.lead.rule}" in page.links


def test_nothing_that_anybody_calls_himself_is_markup(stream: Stream) -> None:
    stream.metadata = json.dumps({"relay": HOSTILE, "pipeline": HOSTILE, "video_encoder": HOSTILE})
    stream.also("stream.links", "stream.link_bitrate_kbps", 900, interface=HOSTILE)
    stream.also("stream.links", "stream.link_rtt_ms", 900, link=HOSTILE)
    stream.also("stream.links", "stream.link_rtt_ms", 30, link="other")
    stream.also("modem", "modem.rsrp_dbm", -120, modem=HOSTILE, technology=HOSTILE)
    stream.also("disk.usage", "disk.usage_percent", 100, mount=HOSTILE)
    for at, name in enumerate(
        ("link_down", "modem_gone", "usb_disconnected", "capture_error", "oom_kill", HOSTILE[:-1])
    ):
        tags = {"interface": HOSTILE, "port": HOSTILE, "element": HOSTILE, "process": HOSTILE}
        stream.event(name, 300 + 100 * at, HOSTILE, 0, **tags)
    stream.event("alert_raised", 1000, HOSTILE, 0, alert=HOSTILE)
    stream.fails.append(("srt.relay", 900, 920))
    made = stream.play()
    text = html(made)
    text.encode()
    page = Reader(text)
    assert not page.tags & {"script", "img"}
    assert "onerror" not in page.attributes
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in text
    assert "\x1b" not in words(made)
    header = table(page)[0]
    assert all(cell[0].islower() for cell in header), "a spreadsheet would take it for a formula"
    json.dumps(document(made))


def test_no_secret_and_nothing_unknown_of_the_setup_is_shown(stream: Stream) -> None:
    stream.metadata = '{"relay":"relay.example.net:5000","streamid":"live/s3cret","latency_ms":2000}'
    made = stream.play()
    for text in (html(made), words(made), json.dumps(document(made))):
        assert "s3cret" not in text
    assert "relay.example.net:5000" in html(made)


def test_a_setup_that_can_not_be_is_shown_as_it_is(stream: Stream) -> None:
    """As one that was taken over may be."""
    stream.metadata = f'{{"bitrate_max_bps":1{"0" * 400},"latency_ms":-1{"0" * 400},"pipeline":["x"]}}'
    text = Reader(html(stream.play())).text
    assert "highest bitrate> 1e308" in text
    assert "latency< -1e308" in text


def test_the_numbers_are_those_of_the_database(stream: Stream) -> None:
    stream.value("cpu.temperature", 600, 630, 93.25)
    rows = table(Reader(html(stream.play())))
    header, *body = rows
    assert header[:2] == ["time", "timestamp_ms"]
    assert all(len(row) == len(header) for row in rows)
    at = header.index("cpu.temperature")
    found = {int(row[1]): row[at] for row in body if row[at]}
    connection = stream.store.connection()
    stored = connection.execute(
        "SELECT timestamp_ms, metric_value FROM metrics WHERE metric_name = 'cpu.temperature' AND timestamp_ms >= ?",
        (START,),
    ).fetchall()
    assert {stamp - stamp % 1000: f"{value:.10g}" for stamp, value in stored} == found
    assert "93.25" in found.values()
    assert "stream.link_bitrate_kbps{interface=wwan0}" in header


def test_charts_share_one_axis_and_carry_the_numbers_of_findings(stream: Stream) -> None:
    modem_pulled(stream)
    hdmi_pulled(stream)
    text = html(stream.play())
    charts = re.findall(r'<figure class="chart"><figcaption>([^<]*)</figcaption>.*?</figure>', text)
    assert charts[:4] == ["Bitrate", "Links", "Loss", "Round trip"]
    assert {"Frames", "Score", "Temperature", "Throttling", "Processor"} & set(charts) >= {
        "Frames",
        "Score",
        "Temperature",
    }
    marks = re.findall(r'<g class="mark bad"><title>(\d+): [^<]*</title><line x1="([\d.]+%)"', text)
    assert sorted(set(marks)) == sorted({("1", "10%"), ("2", "41.67%")})
    assert len(marks) == 2 * len(charts)
    assert len(re.findall(r'<rect class="span"', text)) == 2 * len(charts)


def test_a_stream_that_is_well_says_so(stream: Stream) -> None:
    made = stream.play()
    page = Reader(html(made))
    assert "A stream of 20 min. It was stopped. Nothing stood out in what was recorded." in page.text
    assert "Worst minutes" not in page.text
    assert document(made)["findings"] == []


def test_the_verdict_counts_what_harmed_the_stream(stream: Stream) -> None:
    modem_pulled(stream)
    stream.event("usb_disconnected", 500, port="3-1")
    stream.collapse(800, 850)
    assert words(stream.play()).splitlines()[1] == (
        "A stream of 20 min. It was stopped. It was worse than usual for 1 min 15 s, in 2 incidents, 1 of them with a"
        " fault that was recorded."
    )


def test_a_program_gets_what_a_person_reads(stream: Stream) -> None:
    relay_stalled(stream)
    made: Report = stream.play()
    told = json.loads(json.dumps(document(made)))
    (finding,) = told["findings"]
    assert finding["rule"] == "relay-silent"
    assert finding["onset_ms"] == START + 400_000
    assert {one["rule"] for one in finding["observations"]} >= {"relay-silent", "not-arriving", "restarted"}
    assert all(one["seen"] for one in finding["observations"])
    assert told["session"]["status"] == "completed"
    assert told["worst_minutes"][0]["findings"] == [0]


def test_one_of_twelve_hours_is_still_a_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With trouble every five minutes, and a link more than anybody has."""
    stream = Stream(tmp_path_factory.mktemp("long"), last=12 * 3600)
    for at in range(300, stream.last - 300, 300):
        stream.event("link_down", at, interface="wwan0", reason="no_answer")
        stream.event("link_up", at + 20, interface="wwan0")
    for number in range(6):
        stream.also("stream.links", "stream.link_bitrate_kbps", 500, interface=f"wwan{number + 1}")
    stream.collapse(stream.last - 895, stream.last - 835)
    made = stream.play()
    text = html(made)
    assert len(text) < 2_000_000
    assert len(made.incidents) == 142
    assert "82 more are not shown" in text
    # The worst minutes are among those: nothing leads to what is not there.
    page = Reader(text)
    assert {link[1:] for link in page.links if link[0] == "#"} <= set(page.ids)
    told = document(made)
    shown = len(json.loads(json.dumps(told["findings"])))
    assert all(at < shown for minute in json.loads(json.dumps(told["worst_minutes"])) for at in minute["findings"])
    assert numbers.table(made.recording).text
    stream.store.close()
