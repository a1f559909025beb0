"""Scripted streams: each fault is found and told once, by its name, and nothing is found that was not in the script."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Callable

import pytest

from belabox_metrics.maintain.pace import Pace
from belabox_metrics.maintain.runner import STEPS, maintain
from belabox_metrics.report import account, summary
from belabox_metrics.report.document import html
from belabox_metrics.report.report import Report
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings

from .conftest import LTE, SCHEDULE, START, Stream


def nothing(stream: Stream) -> None:
    """A stream that is well."""


def modem_pulled(stream: Stream) -> None:
    stream.event("usb_disconnected", 120, port="2-1")
    stream.event("modem_gone", 120.2, interface="wwan0")
    stream.event("link_down", 121, interface="wwan0", reason="send_failed")
    stream.value("stream.link_bitrate_kbps", 120, 192, None, interface="wwan0")
    stream.collapse(124, 150)
    stream.event("modem_found", 180, interface="wwan0")
    stream.event("link_up", 184, interface="wwan0")


def link_lost_for_good(stream: Stream) -> None:
    """What happens half an hour later has nothing to do with it."""
    stream.event("link_down", 120, interface="wwan0", reason="no_answer")
    stream.value("stream.link_bitrate_kbps", 120, 2000, None, interface="wwan0")
    stream.collapse(900, 950)


def link_that_is_silent(stream: Stream) -> None:
    stream.value("stream.link_bitrate_kbps", 300, 400, 0, interface="wwan0")


def flapping_link(stream: Stream) -> None:
    for at in (300, 312, 325):
        stream.event("link_down", at, interface="wwan0", reason="no_answer")
        stream.event("link_up", at + 8, interface="wwan0")


def relay_stalled(stream: Stream) -> None:
    for name in ("eth0", "wwan0"):
        stream.event("link_down", 400, interface=name, reason="no_answer")
        stream.event("link_up", 440, interface=name)
    stream.event("all_links_down", 401, priority=0)
    stream.event("srt_lost", 404, priority=0, reason="timeout")
    stream.event("relay_unreachable", 405, priority=0, reason="no_answer")
    stream.event("srt_connected", 441)
    stream.value("srt.connected", 401, 441, 0)
    stream.value("srt.bitrate_kbps", 401, 441, None)
    stream.value("stream.reconnects_total", 410, 2000, 1)
    stream.fails.append(("srt.relay", 410, 430))


def all_links_gone(stream: Stream) -> None:
    """In a tunnel: one after the other, and neither can be sent over."""
    stream.event("link_down", 400, interface="wwan0", reason="send_failed")
    stream.event("link_down", 412, interface="eth0", reason="send_failed")
    stream.event("all_links_down", 413, priority=0)
    stream.value("srt.connected", 415, 450, 0)
    stream.value("srt.bitrate_kbps", 415, 450, None)
    for name in ("eth0", "wwan0"):
        stream.event("link_up", 450, interface=name)


def hdmi_pulled(stream: Stream) -> None:
    stream.event("hdmi_signal_lost", 500)
    stream.value("hdmi.present", 500, 580, 0)
    stream.value("hdmi.signal", 500, 580, None)
    stream.event("capture_error", 501, priority=0, element="v4l2src0")
    stream.value("encoder.frame_rate_fps", 500, 590, 0)
    stream.value("srt.connected", 502, 585, 0)
    stream.value("stream.reconnects_total", 510, 2000, 1)
    stream.event("hdmi_signal_locked", 580)
    stream.event("srt_connected", 583)


def encoder_stalled(stream: Stream) -> None:
    """The frames stop, and seconds later it is noticed."""
    stream.value("encoder.frame_rate_fps", 585, 640, 0)
    stream.event("pipeline_stall", 604, priority=0)
    stream.value("stream.reconnects_total", 610, 2000, 1)
    stream.event("srt_connected", 615)


def heat(stream: Stream) -> None:
    stream.value("cpu.temperature", 600, 700, 91)
    stream.value("thermal.throttled", 610, 690, 1)
    stream.value("thermal.throttle_percent", 610, 690, 40, device="cpufreq-cpu4")
    stream.event("alert_raised", 612, "cpu.temperature 91 is above 85", alert="cpu_temperature")
    stream.event("alert_cleared", 700, alert="cpu_temperature")


def heat_and_fewer_frames(stream: Stream) -> None:
    heat(stream)
    stream.value("encoder.frame_rate_fps", 640, 690, 22)


def processor_busy(stream: Stream) -> None:
    stream.value("cpu.usage_percent", 600, 700, 98, core="all")
    stream.collapse(630, 660, 2000)


def memory_gone(stream: Stream) -> None:
    stream.value("memory.available_bytes", 600, 700, 60_000_000)
    stream.value("memory.pressure_full_percent", 600, 700, 31)
    stream.event("oom_kill", 660, priority=0, process="belacoder")
    stream.value("stream.reconnects_total", 665, 2000, 1)
    stream.event("srt_connected", 667)


def link_that_is_slow(stream: Stream) -> None:
    """It drags the whole bond."""
    stream.also("stream.links", "stream.link_rtt_ms", 60, link="10.0.0.2")
    stream.also("stream.links", "stream.link_rtt_ms", 70, link="10.1.0.2")
    stream.value("stream.link_rtt_ms", 600, 700, 1400, link="10.1.0.2")
    stream.value("srt.rtt_ms", 605, 700, 900)
    stream.value("srt.packet_loss_percent", 610, 700, 8)


def weak_signal(stream: Stream) -> None:
    stream.value("modem.rsrp_dbm", 560, 720, -116, modem="a1b2c3d4", technology="lte")
    stream.value("srt.packet_loss_percent", 640, 690, 9)


def something_else_is_sent(stream: Stream) -> None:
    stream.value("stream.bitrate_kbps", 600, 700, 11_000)


def repetitions(stream: Stream) -> None:
    """The links send more, and it is the stream."""
    stream.value("stream.bitrate_kbps", 600, 700, 11_000)
    stream.value("srt.retransmit_percent", 590, 710, 40)


def loss_on_the_way(stream: Stream) -> None:
    """Half of what is sent does not arrive: nothing else was sent."""
    stream.value("srt.bitrate_kbps", 600, 700, 3000)
    stream.value("srt.packet_loss_percent", 590, 710, 50)


def disk_full(stream: Stream) -> None:
    stream.value("disk.available_bytes", 500, 1000, 0, mount="/")
    stream.value("disk.usage_percent", 500, 1000, 100, mount="/")


def restarted_for_no_reason(stream: Stream) -> None:
    stream.value("stream.reconnects_total", 605, 2000, 1)


def belaui_gone(stream: Stream) -> None:
    stream.status = "failed"


def ended_without_arriving(stream: Stream) -> None:
    stream.status = "failed"
    stream.event("srt_lost", 1180, priority=0, reason="timeout")
    stream.value("srt.connected", 1178, 2000, 0)


def clock_set_forward(stream: Stream) -> None:
    stream.jump = (20, 86_400_000)


def nothing_recorded(stream: Stream) -> None:
    stream.silent.append((600, 700))


def relay_page_away(stream: Stream) -> None:
    stream.fails.append(("srt.relay", 600, 650))


def could_not_connect(stream: Stream) -> None:
    stream.event("srt_connect_failed", 4, reason="streamid_invalid")
    stream.event("srt_connected", 30)


def an_alert_of_ones_own(stream: Stream) -> None:
    stream.event("alert_raised", 600, "room.temperature 41 is above 40", alert="room")
    stream.event("alert_cleared", 660, alert="room")


def sound_late(stream: Stream) -> None:
    for at in (600, 610):
        stream.event("audio_underrun", at)


def trouble_of_unknown_cause(stream: Stream) -> None:
    stream.collapse(600, 650)
    stream.value("srt.packet_loss_percent", 605, 645, 30)


def too_late_for_the_latency(stream: Stream) -> None:
    stream.value("srt.drop_percent", 600, 650, 4)


def encoder_too_slow(stream: Stream) -> None:
    stream.also("encoder", "encoder.frames_dropped_percent", 0)
    stream.value("encoder.frames_dropped_percent", 600, 690, 3)


def usb_hub_away(stream: Stream) -> None:
    stream.event("usb_disconnected", 600, port="3-1")


def two_faults(stream: Stream) -> None:
    """Each is told on its own."""
    modem_pulled(stream)
    hdmi_pulled(stream)


Script = Callable[[Stream], None]
# Of each incident the rule that leads it, and all others that have seen a part of it.
EXPECTED: list[tuple[Script, list[tuple[str, set[str]]]]] = [
    (nothing, []),
    (modem_pulled, [("modem-gone", {"link-lost", "bitrate-low"})]),
    (link_lost_for_good, [("link-lost", set()), ("bitrate-low", set())]),
    (link_that_is_silent, [("link-silent", set())]),
    (flapping_link, [("link-lost", {"link-lost"})]),
    (relay_stalled, [("relay-silent", {"connection-lost", "not-arriving", "restarted", "page-failed"})]),
    (all_links_gone, [("link-lost", {"link-lost", "no-link", "not-arriving"})]),
    (hdmi_pulled, [("hdmi-lost", {"capture-failed", "few-frames", "not-arriving", "restarted"})]),
    (encoder_stalled, [("encoder-stalled", {"few-frames", "restarted"})]),
    (heat, [("heat", {"throttling"})]),
    (heat_and_fewer_frames, [("heat", {"throttling", "few-frames"})]),
    (processor_busy, [("cpu-busy", {"bitrate-low"})]),
    (memory_gone, [("killed", {"memory-short", "restarted"})]),
    (link_that_is_slow, [("slow-link", {"round-trip", "loss"})]),
    (weak_signal, [("weak-signal", {"loss"})]),
    (something_else_is_sent, [("other-traffic", set())]),
    (repetitions, []),
    (loss_on_the_way, [("loss", set())]),
    (disk_full, [("disk-full", set())]),
    (restarted_for_no_reason, [("restarted", set())]),
    (belaui_gone, [("programs-gone", set())]),
    (ended_without_arriving, [("connection-lost", {"programs-gone", "not-arriving"})]),
    (clock_set_forward, [("clock-set", set())]),
    (nothing_recorded, [("not-recorded", set())]),
    (relay_page_away, [("page-failed", set())]),
    (could_not_connect, [("connection-refused", set())]),
    (an_alert_of_ones_own, [("alert", set())]),
    (sound_late, [("sound-late", set())]),
    (trouble_of_unknown_cause, [("bitrate-low", {"loss"})]),
    (too_late_for_the_latency, [("drops", set())]),
    (encoder_too_slow, [("frames-dropped", set())]),
    (usb_hub_away, [("usb-gone", set())]),
    (
        two_faults,
        [
            ("modem-gone", {"link-lost", "bitrate-low"}),
            ("hdmi-lost", {"capture-failed", "few-frames", "not-arriving", "restarted"}),
        ],
    ),
]


def told(made: Report) -> list[tuple[str, set[str]]]:
    return [
        (one.lead.rule, {member.rule for member in one.members if member is not one.lead}) for one in made.incidents
    ]


@pytest.mark.parametrize(("script", "expected"), EXPECTED, ids=[script.__name__ for script, _ in EXPECTED])
def test_what_is_in_the_script_is_found_and_nothing_else(
    stream: Stream, script: Script, expected: list[tuple[str, set[str]]]
) -> None:
    script(stream)
    assert told(stream.play()) == expected


# Series, its tags, and a value that is nearly bad; or one that is bad for less time than it must be.
NEARLY: list[tuple[str, dict[str, str], float, int]] = [
    ("cpu.temperature", {}, 84.9, 90),
    ("cpu.usage_percent", {"core": "all"}, 89.9, 90),
    ("cpu.usage_percent", {"core": "all"}, 100, 20),
    ("cpu.usage_percent", {"core": "cpu0"}, 100, 90),
    ("memory.available_bytes", {}, 101_000_000, 90),
    ("memory.pressure_full_percent", {}, 9.9, 90),
    ("modem.rsrp_dbm", LTE, -109, 90),
    ("modem.rsrp_dbm", LTE, -120, 29),
    ("srt.packet_loss_percent", {}, 4.9, 90),
    ("srt.packet_loss_percent", {}, 40, 5),
    ("srt.rtt_ms", {}, 499, 90),
    ("srt.rtt_ms", {}, 2000, 5),
    ("srt.drop_percent", {}, 1.9, 90),
    ("srt.bitrate_kbps", {}, 4200, 90),
    ("srt.bitrate_kbps", {}, 1200, 5),
    ("stream.bitrate_kbps", {}, 8500, 90),
    ("stream.bitrate_kbps", {}, 20_000, 20),
    ("stream.link_bitrate_kbps", {"interface": "wwan0"}, 11, 90),
    ("stream.link_bitrate_kbps", {"interface": "wwan0"}, 0, 10),
    ("encoder.frame_rate_fps", {}, 31, 90),
    ("disk.usage_percent", {"mount": "/"}, 98.9, 600),
    ("disk.available_bytes", {"mount": "/"}, 51_000_000, 600),
]


@pytest.mark.parametrize(("name", "tags", "value", "lasting"), NEARLY)
def test_what_is_nearly_bad_is_not_told(
    stream: Stream, name: str, tags: dict[str, str], value: float, lasting: int
) -> None:
    stream.value(name, 400, 400 + lasting, value, **tags)
    assert told(stream.play()) == []


def sentences(made: Report) -> list[str]:
    """Without what was as usual."""
    found = []
    for one in made.incidents:
        said = account.sentence(made.recording, one)
        for normal in account.normal(made.recording, one):
            said = said.replace(f"; {normal}", "")
        found.append(said[:-1])
    return found


SAID: list[tuple[Script, str]] = [
    (
        modem_pulled,
        (
            "22:15:20 wwan0 disappeared from USB (port 2-1), 6 s before the bitrate collapsed to 700 kbit/s (usually"
            " 5.8 Mbit/s)"
        ),
    ),
    (
        relay_stalled,
        (
            "22:20:00 the relay answered over no link: eth0 and wwan0 lost it at once, and the relay was without the"
            " stream (first read 1 s later)"
        ),
    ),
    (
        encoder_stalled,
        "22:23:24 the encoder stalled and gave up; 11 s before that no picture was encoded (usually 60 fps)",
    ),
    (
        trouble_of_unknown_cause,
        (
            "22:23:21 the bitrate collapsed to 700 kbit/s (usually 5.8 Mbit/s), 5 s before packet loss rose to 30 %; no"
            " cause seen in what was recorded"
        ),
    ),
    (
        heat_and_fewer_frames,
        "22:23:35 the box was hot: 91 °C at its hottest, 38 s before only 22 fps were encoded (usually 60 fps)",
    ),
    (restarted_for_no_reason, "22:23:26 the encoder was started anew; no cause seen in what was recorded"),
]


@pytest.mark.parametrize(("script", "expected"), SAID, ids=[script.__name__ for script, _ in SAID])
def test_it_is_said_in_the_order_of_time_and_without_a_because(stream: Stream, script: Script, expected: str) -> None:
    script(stream)
    (said,) = sentences(stream.play())
    assert said == expected


def test_what_was_as_usual_is_said_and_what_was_not_is_not(stream: Stream) -> None:
    modem_pulled(stream)
    stream.value("cpu.temperature", 60, 200, 84)
    (one,) = (made := stream.play()).incidents
    assert [said.partition(" (")[0] for said in account.normal(made.recording, one)] == ["processor normal"]


def test_a_power_cut_is_the_end_of_it(stream: Stream) -> None:
    stream.is_live = True
    stream.reboot(after=62)
    (one,) = (made := stream.again()).incidents
    assert one.lead.rule == "box-down"
    assert made.recording.session.status == "failed"
    # The next boot began 42 s after the end; the last run was two seconds before that.
    assert "started again 44 s later" in one.lead.what


def test_what_the_next_boot_tells_of_the_end_belongs_to_it(stream: Stream) -> None:
    stream.is_live = True
    stream.event("thermal_trip", 1203, priority=0, zone="soc-thermal")
    stream.value("cpu.temperature", 1100, 1300, 112)
    stream.reboot(after=62)
    assert told(stream.again()) == [("thermal-trip", {"heat", "box-down"})]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (("srt_lost", "srt_connected"), "the stream's programs were gone"),
        (("srt_connected", "srt_lost"), "the stream ended while it did not arrive"),
    ],
)
def test_of_two_words_in_one_millisecond_the_last_one_counts(
    stream: Stream, events: tuple[str, str], said: str
) -> None:
    stream.status = "failed"
    for name in events:
        stream.event(name, 1180, priority=0)
    whats = [member.what for one in stream.play().incidents for member in one.members if member.rule == "programs-gone"]
    assert [what[: len(said)] for what in whats] == [said]


def test_a_strain_that_lasts_is_told_beside_a_fault_in_its_time(stream: Stream) -> None:
    stream.value("cpu.usage_percent", 60, 1100, 97, core="all")
    modem_pulled(stream)
    made = stream.play()
    assert told(made) == [("cpu-busy", set()), ("modem-gone", {"link-lost", "bitrate-low"})]
    assert "in its time the processor was busy (97 % at most)" in sentences(made)[1]
    assert "processor normal" not in account.sentence(made.recording, made.incidents[1])


def test_a_strain_that_begins_when_a_fault_is_over_is_another_finding(stream: Stream) -> None:
    encoder_stalled(stream)
    stream.value("encoder.frame_rate_fps", 616, 640, 60)
    stream.event("alert_raised", 628, "room.temperature 41 is above 40", alert="room")
    stream.event("alert_cleared", 634, alert="room")
    assert [lead for lead, _ in told(stream.play())] == ["encoder-stalled", "alert"]


def test_a_strain_that_came_after_leads_nothing(stream: Stream) -> None:
    stream.collapse(600, 700)
    stream.value("cpu.temperature", 645, 680, 91)
    made = stream.play()
    assert told(made) == [("bitrate-low", {"heat"})]
    assert account.NO_CAUSE in sentences(made)[0]


def test_the_worst_minutes_are_those_in_which_most_was_lost(stream: Stream) -> None:
    relay_stalled(stream)
    stream.collapse(900, 925)
    stream.value("stream.health_score", 400, 440, 12)
    made = stream.play()
    assert [(minute.at_ms // 1000 - START // 1000 + 20, minute.score is not None) for minute in made.minutes] == [
        (420, True),
        (900, True),
    ]
    first, second = made.minutes
    assert first.interrupted_ms == pytest.approx(41_000, abs=5000)
    assert first.score == 12
    assert first.cause() == "22:20:00 the relay answered over no link: eth0 and wwan0 lost it at once"
    assert second.cause().endswith("no cause seen in what was recorded")


def test_starting_and_stopping_is_no_fault(stream: Stream) -> None:
    """Rates are of the time before too, and the connection goes before the programs do."""
    stream.value("encoder.frame_rate_fps", -60, 30, 12)
    stream.value("srt.bitrate_kbps", -60, 9, 300)
    stream.value("srt.connected", 1198, 1300, 0)
    stream.value("srt.bitrate_kbps", 1198, 1300, 0)
    assert told(stream.play()) == []


def test_a_live_stream_can_be_looked_at(stream: Stream) -> None:
    stream.is_live = True
    stream.event("link_down", 1190, interface="wwan0", reason="no_answer")
    (one,) = stream.play().incidents
    assert one.is_open
    assert account.over(one) == "It was not over when the record ends, 10 s later."


def rolled_up(stream: Stream, days: int) -> Report:
    """The same stream some days later, when its runs have become minutes."""
    later = stream.moment(days * 86_400)
    settings: list[tuple[str, str, int, str | int | float]] = [
        ("storage", "reserve_bytes", 0, 1),
        ("remote", "url", 0, ""),
        ("remote", "enabled", 0, 0),
    ]
    replace_settings(stream.store.path, settings)
    with stream.store.writing() as connection:
        runs.add(connection, runs.Run("collect", later, metric="cpu.usage", samples=[Sample("cpu.usage_percent", 1)]))
    pace = Pace(share=1)
    maintain(stream.store, later, pace, tuple(step for step in STEPS if step[0] == "roll_up"))
    (left,) = stream.store.connection().execute(
        "SELECT count(*) FROM runs WHERE job IN (SELECT id FROM jobs WHERE job = 'collect')"
    )
    assert left[0] <= 1, "nothing was rolled up"
    return stream.again()


def test_what_is_rolled_up_is_told_to_the_minute(stream: Stream) -> None:
    """Nobody knows any more which was first within it. And that no runs are left is no gap and no power cut."""
    stream.event("link_down", 120, interface="wwan0", reason="no_answer")
    stream.event("link_up", 400, interface="wwan0")
    stream.collapse(130, 380)
    stream.status = "failed"
    stream.play()
    made = rolled_up(stream, 3)
    assert told(made) == [("link-lost", {"bitrate-low"})]
    (said,) = sentences(made)
    assert "wwan0 lost its link (nothing came back over it), and within 1 min of it the bitrate collapsed" in said


def test_the_hottest_stays_the_hottest_when_it_is_rolled_up(stream: Stream) -> None:
    stream.value("cpu.temperature", 600, 630, 84.25)
    stream.value("stream.health_score", 600, 630, 20)
    for made in (stream.play(), rolled_up(stream, 3)):
        found = {line.name: line.value for line in summary.lines(made.recording, made.incidents)}
        assert (found["hottest"], found["lowest score"]) == ("84.2 °C", "20")


def test_damaged_tags_of_an_event_cost_no_more_than_themselves(stream: Stream) -> None:
    stream.event("link_down", 120, interface="wwan0", reason="no_answer")
    stream.play()
    with stream.store.writing() as connection:
        connection.execute("UPDATE series SET tags = '{' WHERE name = 'stream.event'")
    assert told(stream.again()) == [("link-lost", set())]


def test_a_stream_of_which_nothing_is_left(stream: Stream) -> None:
    stream.play()
    with stream.store.writing() as connection:
        connection.execute("DELETE FROM runs")
    assert told(stream.again()) == []


NAMES = [
    "alert_cleared",
    "alert_raised",
    "all_links_down",
    "audio_underrun",
    "capture_error",
    "hdmi_signal_locked",
    "hdmi_signal_lost",
    "link_down",
    "link_up",
    "modem_found",
    "modem_gone",
    "oom_kill",
    "pipeline_stall",
    "relay_unreachable",
    "srt_connect_failed",
    "srt_connected",
    "srt_lost",
    "start_requested",
    "stop_requested",
    "thermal_trip",
    "usb_disconnected",
]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_it_is_told_once_and_in_order(tmp_path: Path, seed: int) -> None:
    """Events that never come so, and numbers that can't be."""
    chance = Random(seed)
    stream = Stream(tmp_path, last=240)
    stream.status = chance.choice(["completed", "failed"])
    for _ in range(60):
        tags = {
            key: chance.choice(values)
            for key, values in (("interface", ["eth0", "wwan0", ""]), ("reason", ["no_answer", "send_failed", "x"]))
            if chance.random() < 0.7
        }
        stream.event(chance.choice(NAMES), chance.uniform(-20, 260), "", 1, **tags)
    for _, lines in SCHEDULE.values():
        for name, tags, _ in lines:
            since = chance.uniform(-60, 240)
            stream.value(name, since, since + chance.uniform(1, 120), chance.choice([-1e18, 0, 1, 1e18, None]), **tags)
    made = stream.play()
    html(made)
    begins = [one.since_ms for one in made.incidents]
    assert begins == sorted(begins)
    members = [member for one in made.incidents for member in one.members if member.kind != "note"]
    assert len(members) == len({id(member) for member in members})
    assert all(one.since_ms <= one.onset_ms <= one.until_ms for one in made.incidents)
    stream.store.close()
