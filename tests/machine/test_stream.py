"""A stream on a booted system: real processes with the names of the real ones, below a unit with belaUI's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .machine import DATABASE, Machine

pytestmark = pytest.mark.machine

SECRET = "live_s3cret_id"
FOLDER = "/run/stream-lab"
UNIT = "/run/systemd/system/belaUI.service"
SAY = f"{FOLDER}/say"
# Copies of bash: each runs its first argument, so their command lines are those of the real programs.
BELAUI = f"""#!/bin/bash
cd {FOLDER}
mkfifo {SAY}
PATH={FOLDER}:$PATH
srtla_send 9000 relay.example.net 5000 {FOLDER}/ips &
belacoder {FOLDER}/pipeline 127.0.0.1 9000 -d 0 -b {FOLDER}/br -l 2000 -s {SECRET} &
exec 3<>{SAY}
while read -r line <&3; do
    echo "$line"
    [[ $line != "{{ stop: 0 }}" ]] || {{ kill %1 %2; wait %1 %2; }}
done
"""
WAIT = "while :; do sleep 1; done\n"


def collect(machine: Machine, metric: str) -> None:
    machine.systemctl("start", f"belabox-metrics@{metric}.service")


@contextmanager
def streaming(machine: Machine) -> Iterator[Machine]:
    """Live, as belaUI starts it."""
    machine.run("mkdir", FOLDER)
    for name in ("srtla_send", "belacoder"):
        machine.run("cp", "/bin/bash", f"{FOLDER}/{name}")
    files = {"9000": WAIT, "pipeline": WAIT, "ips": "127.0.0.2\n", "br": "300000\n6000000\n", "belaUI": BELAUI}
    for name, text in files.items():
        machine.run("tee", f"{FOLDER}/{name}", input=text)
    machine.run("chmod", "+x", f"{FOLDER}/belaUI")
    machine.run("tee", UNIT, input=f"[Service]\nExecStart={FOLDER}/belaUI\nSyslogIdentifier=belaUI\n")
    machine.systemctl("daemon-reload")
    machine.systemctl("start", "belaUI.service")
    machine.wait_until(lambda: machine.run("pgrep", "-x", "belacoder", check=False).stdout)
    yield machine
    machine.systemctl("stop", "belaUI.service", check=False)
    machine.run("rm", "-r", UNIT, FOLDER)
    machine.systemctl("daemon-reload")


@pytest.fixture
def belaui(machine: Machine) -> Iterator[Machine]:
    with streaming(machine):
        yield machine


def say(machine: Machine, *lines: str) -> None:
    machine.run("tee", SAY, input="".join(f"{line}\n" for line in lines))
    machine.wait_until(lambda: machine.journal("-u", "belaUI", "--grep", lines[-1].partition(" (")[0]))


def happened(machine: Machine, event: str) -> list[dict[str, object]]:
    return machine.sql(
        "SELECT runs.priority, series.tags, runs.session FROM jobs JOIN runs ON runs.job = jobs.id"
        " JOIN series ON series.shape = runs.shape AND series.name = 'stream.event'"
        f" WHERE jobs.job = 'event' AND jobs.metric = '{event}'"
    )


def test_a_stream_from_start_to_end(belaui: Machine) -> None:
    machine = belaui
    collect(machine, "stream.session")
    (session,) = machine.sql("SELECT number, id, status, metadata, start_time FROM sessions WHERE status = 'active'")
    assert '"relay":"relay.example.net:5000"' in session["metadata"]
    assert '"bitrate_max_bps":6000000' in session["metadata"]
    now = int(machine.run("date", "+%s%3N").stdout)
    assert 0 <= now - session["start_time"] < 60_000
    collect(machine, "memory.usage")
    (row,) = machine.sql(
        "SELECT session FROM runs WHERE id = (SELECT last_run FROM jobs WHERE metric = 'memory.usage')"
    )
    assert row["session"] == session["number"]
    records = machine.journal(f"BELABOX_SESSION_ID={session['id']}", "BELABOX_METRIC=memory.usage")
    assert records

    # That it may read the journal is what its unit gives it.
    say(machine, "127.0.0.2 (0x558193f9b510): connection established", "SRT connected to 127.0.0.1:9000.")
    say(machine, f"    srt_streamid: '{SECRET}',", "The SRT connection timed out, exiting")
    collect(machine, "stream.events")
    (lost,) = machine.wait_until(lambda: happened(machine, "srt_lost"))
    assert lost == {"priority": 0, "tags": '{"event":"srt_lost","reason":"timeout"}', "session": session["number"]}
    collect(machine, "stream.events")
    assert len(happened(machine, "srt_connected")) == 1

    collect(machine, "stream.links")
    (links,) = machine.sql("SELECT last_outcome FROM jobs WHERE metric = 'stream.links'")
    assert links["last_outcome"] == 0

    say(machine, "SRT connected to 127.0.0.1:9000. Negotiated latency: 2000 ms", "{ stop: 0 }")
    ended = f"SELECT status, end_time FROM sessions WHERE id = '{session['id']}' AND end_time IS NOT NULL"
    (end,) = machine.wait_until(lambda: machine.sql(ended), "the session has not ended")
    assert end["status"] == "completed"
    listed = machine.run("belabox-metrics", "sessions").stdout
    assert "completed  relay.example.net:5000" in listed

    def is_in_database(text: str) -> bool:
        return machine.run("grep", "-aqF", text, DATABASE, f"{DATABASE}-wal", check=False).returncode == 0

    assert is_in_database("relay.example.net")
    assert not is_in_database(SECRET)
    of_ours = str(machine.journal("SYSLOG_IDENTIFIER=belabox-metrics"))
    assert "srt_lost" in of_ours
    assert SECRET not in of_ours
