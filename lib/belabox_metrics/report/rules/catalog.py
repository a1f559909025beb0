"""All rules in words. Of two faults of one moment the one that stands higher is named first.

The page docs/report.md and the end of each report say the same, and a test holds the page to it.
"""

from __future__ import annotations

from ..observation import FAULT, NOTE, STRAIN, SYMPTOM, Rule
from . import box, links, picture, quality, record, relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..observation import Observation
    from ..recording import Recording

_NO_JOURNAL = "without a journal"

RULES = (
    Rule(
        "thermal-trip",
        FAULT,
        box.thermal_trip,
        inputs="event thermal_trip",
        condition="The kernel said that a zone was too hot, up to a minute after the session.",
        says="Which zone.",
        silent=_NO_JOURNAL,
    ),
    Rule(
        "box-down",
        FAULT,
        box.box_down,
        inputs="sessions; runs and their boots",
        condition="The session failed, and the next run behind its last is of another boot.",
        says="When the last run was, and how long until the box was started again.",
        silent="while the box has not recorded anything since",
    ),
    Rule(
        "killed",
        FAULT,
        box.killed,
        inputs="event oom_kill",
        condition="The kernel killed a program for want of memory.",
        says="Which program.",
        silent=_NO_JOURNAL,
    ),
    Rule(
        "relay-silent",
        FAULT,
        relay.relay_silent,
        inputs="events link_down, all_links_down, relay_unreachable, link_up, srt_connected",
        condition="The relay answered over no link, or two links and more lost it within 5 s, with nothing wrong in"
        " sending over them, and within 30 s no link was left. Over when a link is up.",
        says="Which links. It is the relay, or what all links share.",
        silent=_NO_JOURNAL,
    ),
    Rule(
        "modem-gone",
        FAULT,
        links.modem_gone,
        inputs="events modem_gone, modem_found, usb_disconnected",
        condition="A network adapter on USB disappeared. Over when it is back.",
        says="Its interface and, if that was told within 2 s, its port.",
        silent=_NO_JOURNAL,
    ),
    Rule(
        "usb-gone",
        FAULT,
        links.usb_gone,
        inputs="events usb_disconnected, modem_gone",
        condition="Something on USB disappeared that was no network adapter.",
        says="Its port.",
        silent=_NO_JOURNAL,
    ),
    Rule(
        "hdmi-lost",
        FAULT,
        picture.hdmi_lost,
        inputs="events hdmi_signal_lost, hdmi_signal_locked; hdmi.present",
        condition="The HDMI input lost its signal, or its source was unplugged after it had been there. Over when it is"
        " back.",
        says="Which of the two.",
        silent="without a journal and without hdmi.present",
    ),
    Rule(
        "link-lost",
        FAULT,
        links.link_lost,
        inputs="events link_down, link_up",
        condition="srtla_send gave up a link. Over when it is up again.",
        says="The link, and whether it could not be sent over or nothing came back.",
        silent="without a journal; when relay-silent speaks of it",
    ),
    Rule(
        "link-silent",
        FAULT,
        links.link_silent,
        inputs="stream.link_bitrate_kbps",
        condition="A link that usually (median) carries 100 kbit/s or more carried 10 kbit/s or less in two readings.",
        says="The link, and what it usually carries.",
        silent="for a link that is gone, which has no readings; when link-lost speaks of it",
    ),
    Rule(
        "no-link",
        FAULT,
        links.no_link,
        inputs="events all_links_down, link_up, srt_connected",
        condition="srtla_send had no link left. Over when one is up.",
        says="When.",
        silent="without a journal; when relay-silent speaks of it",
    ),
    Rule(
        "capture-failed",
        FAULT,
        picture.capture_failed,
        inputs="events capture_error, srt_connected",
        condition="An element of the encoder's pipeline failed. Over when the encoder is connected again.",
        says="Picture or sound, and the element.",
        silent=_NO_JOURNAL,
    ),
    Rule(
        "encoder-stalled",
        FAULT,
        picture.encoder_stalled,
        inputs="events pipeline_stall, srt_connected",
        condition="belacoder noticed that no picture came out of its pipeline. Over when it is connected again.",
        says="When it noticed. Frames are fewer from some seconds before.",
        silent=_NO_JOURNAL,
    ),
    Rule(
        "connection-lost",
        FAULT,
        relay.connection_lost,
        inputs="events srt_lost, srt_connected",
        condition="The encoder gave up its connection. Over when it is connected again.",
        says="When, which is up to six seconds after the last answer.",
        silent=_NO_JOURNAL,
    ),
    Rule(
        "connection-refused",
        FAULT,
        relay.connection_refused,
        inputs="events srt_connect_failed, srt_connected",
        condition="The encoder tried to connect and could not. Over when it is connected.",
        says="The reason, if its log tells one that is known.",
        silent=_NO_JOURNAL,
    ),
    Rule(
        "programs-gone",
        FAULT,
        box.programs_gone,
        inputs="sessions; events of the connection",
        condition="The session failed, and the box went on.",
        says="Whether it was not arriving at its end, or belaUI was gone as well.",
        silent="when box-down speaks; once the runs of the session are rolled up, as is box-down",
    ),
    Rule(
        "heat",
        STRAIN,
        box.hot,
        inputs="cpu.temperature",
        condition="The hottest zone had 85 °C or more.",
        says="The highest reading.",
        silent="without a thermal zone",
    ),
    Rule(
        "throttling",
        STRAIN,
        box.throttled,
        inputs="thermal.throttled, thermal.throttle_percent",
        condition="Heat slowed something down.",
        says="What, and by how many of its steps.",
        silent="where nothing cools by slowing down; between two readings, a minute",
    ),
    Rule(
        "cpu-busy",
        STRAIN,
        box.cpu_busy,
        inputs="cpu.usage_percent core=all",
        condition="All cores together were busy for 90 % or more, for 30 s.",
        says="The highest reading.",
        silent="for a single core",
    ),
    Rule(
        "memory-short",
        STRAIN,
        box.memory_short,
        inputs="memory.available_bytes, memory.pressure_full_percent",
        condition="100 MB or less were left, or programs waited for memory 10 % of the time or more.",
        says="The worst reading.",
        silent="between two readings",
    ),
    Rule(
        "weak-signal",
        STRAIN,
        links.weak_signal,
        inputs="modem.rsrp_dbm, modem.snr_db, modem.rsrq_db, modem.signal_quality_percent, modem.info",
        condition="Two readings in a row were -110 dBm RSRP, 0 dB SNR, -18 dB RSRQ or 20 % or less; the first of these"
        " that says so.",
        says="The modem's interface, and the worst reading.",
        silent="for modems whose signal is not measured, which is so until their owner asks for it; for HiLink sticks",
    ),
    Rule(
        "slow-link",
        STRAIN,
        links.slow_link,
        inputs="stream.link_rtt_ms or srt.link_rtt_ms",
        condition="The round trip over a link was 300 ms or more, and three times that of the others or more, for 30 s."
        " What comes over it comes late and out of order, so the whole bond waits for it.",
        says="The link, its worst reading, and what the others had.",
        silent="on a stock BELABOX, which tells nothing of single links; with one link",
    ),
    Rule(
        "other-traffic",
        STRAIN,
        box.other_traffic,
        inputs="stream.bitrate_kbps, srt.bitrate_kbps, srt.packet_loss_percent, srt.retransmit_percent,"
        " uploader.metrics_uploaded_total",
        condition="For 30 s the links sent half as much again as arrived, and 500 kbit/s more at least, while less"
        " than 5 % was lost and less than 15 % was repeated.",
        says="How much, and how many samples this program uploaded meanwhile.",
        silent="without the statistics of the relay",
    ),
    Rule(
        "disk-full",
        STRAIN,
        box.disk_full,
        inputs="disk.available_bytes, disk.usage_percent",
        condition="50 MB or less were left, or 99 % or more were used.",
        says="Where, and how much.",
        silent="between two readings, five minutes",
    ),
    Rule(
        "sound-late",
        STRAIN,
        picture.sound_late,
        inputs="event audio_underrun; audio.capture_overrun",
        condition="The driver of the HDMI input had no sound in time, or a capture was not fetched.",
        says="When.",
        silent="without a journal and without a sound card",
    ),
    Rule(
        "alert",
        STRAIN,
        record.alert,
        inputs="events alert_raised, alert_cleared",
        condition="An alert of the configuration was raised. Over when it was cleared.",
        says="Its name, and its text.",
        silent="when another rule speaks of the same numbers",
    ),
    Rule(
        "not-arriving",
        SYMPTOM,
        relay.not_arriving,
        inputs="srt.connected",
        condition="The relay did not have the stream in a reading.",
        says="From when to when.",
        silent="without the statistics of the relay; at the start and the stop of a stream, as all below",
    ),
    Rule(
        "few-frames",
        SYMPTOM,
        picture.few_frames,
        inputs="encoder.output_frame_rate_fps, else encoder.frame_rate_fps",
        condition="Fewer than half of the usual (median) frames were encoded, or fewer than 5 a second.",
        says="The lowest rate.",
        silent="where frames are not counted",
    ),
    Rule(
        "bitrate-low",
        SYMPTOM,
        quality.bitrate_low,
        inputs="srt.bitrate_kbps, else encoder.output_bitrate_kbps, else stream.bitrate_kbps",
        condition="The bitrate was under half of the usual (median) in two readings, or under a fifth in one.",
        says="The lowest reading: it collapsed where that is under a fifth, else it fell.",
        silent="where the usual one is under 100 kbit/s",
    ),
    Rule(
        "loss",
        SYMPTOM,
        quality.loss,
        inputs="srt.packet_loss_percent",
        condition="5 % or more were lost in two readings.",
        says="The worst reading.",
        silent="without the statistics of the relay",
    ),
    Rule(
        "drops",
        SYMPTOM,
        quality.drops,
        inputs="srt.drop_percent",
        condition="2 % or more came too late to be shown.",
        says="The worst reading.",
        silent="without srt.relay",
    ),
    Rule(
        "round-trip",
        SYMPTOM,
        quality.round_trip,
        inputs="srt.rtt_ms",
        condition="The round trip took 500 ms or more in two readings.",
        says="The worst reading.",
        silent="without the statistics of the relay",
    ),
    Rule(
        "frames-dropped",
        SYMPTOM,
        picture.frames_dropped,
        inputs="encoder.frames_dropped_percent",
        condition="The encoder dropped 1 % of the frames or more.",
        says="The worst reading.",
        silent="on a BELABOX, whose encoder tells nobody",
    ),
    Rule(
        "restarted",
        SYMPTOM,
        quality.restarted,
        inputs="stream.reconnects_total",
        condition="The encoder was started anew within the session.",
        says="How often between two readings.",
        silent="without stream.session",
    ),
    Rule(
        "clock-set",
        NOTE,
        record.clock_set,
        inputs="runs",
        condition="The wall clock and the time since boot went apart by more than 2 s from one run to the next.",
        says="By how much, and which way. What was recorded before has the old time, and may lie outside the report.",
        silent="while the clock is slewed",
    ),
    Rule(
        "not-recorded",
        NOTE,
        record.not_recorded,
        inputs="runs",
        condition="No run of anything for a minute, in one boot.",
        says="How long: a box that slept or hung, a disk that was full, or a recorder that was stopped.",
        silent="where all intervals are that long",
    ),
    Rule(
        "page-failed",
        NOTE,
        relay.page_failed,
        inputs="runs of srt.relay and srt.packet_loss",
        condition="The statistics of the relay could not be read.",
        says="When: nothing is known of what arrived then.",
        silent="without a url",
    ),
)


def observe(recording: Recording) -> list[Observation]:
    """What all rules see, earliest first."""
    found: list[Observation] = []
    for rank, rule in enumerate(RULES):
        for observation in rule.find(recording):
            observation.rule, observation.kind, observation.rank = rule.name, rule.kind, rank
            found.append(observation)
    return sorted(found, key=lambda one: (one.since_ms, one.rank))
