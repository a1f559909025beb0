"""A way that carries only small pieces: what is critical goes past what is too large, and that in parts."""

from __future__ import annotations

from pathlib import Path

from belabox_metrics.upload.drain import EASY_BYTES

from .box import Box, Handler, Remote, status


def on_a_narrow_way(path: Path, remote: Remote, widest: int, every_s: int = 10, **settings: int) -> Box:
    """A box with 3000 samples that wait, claimed in large chunks, and a way that carries bodies up to `widest` only."""

    def narrow(handler: Handler) -> None:
        if len(remote.requests[-1][1]) > widest:
            handler.close_connection = True
        else:
            status(204)(handler)

    box = Box(path, remote.url, retry__jitter_percent=0, **settings)
    for at in range(60):
        for series in range(50):
            box.sample(2, f"p{series}", value=hash((at, series)) % 9973 / 7)
        box.wait(every_s)
    remote.answer = narrow
    return box


def test_what_the_way_does_not_carry_holds_up_nothing_critical(tmp_path: Path, remote: Remote) -> None:
    box = on_a_narrow_way(tmp_path, remote, widest=500)
    for at in range(12):
        box.sample(0, "critical", value=at + 0.5)
        box.sample(1, "high", value=at + 0.5)
        box.upload()
        box.wait(61)
    assert box.sql("SELECT sum(attempts) > 8 FROM flights WHERE priority = 2") == [(1,)]
    values = {name: [value for found, _, value in remote.arrived() if found.startswith(name)] for name in ("cr", "hi")}
    assert values["cr"] == [at + 0.5 for at in range(12)]
    assert values["hi"] == [at + 0.5 for at in range(12)]


def test_what_the_way_does_not_carry_in_one_piece_goes_in_several(tmp_path: Path, remote: Remote) -> None:
    box = on_a_narrow_way(tmp_path, remote, widest=4500)
    for _ in range(20):
        box.upload()
        box.wait(61)
        if not box.pending():
            break
    assert box.pending() == 0
    assert len(remote.arrived()) == len(set(remote.arrived())) == 3000


def test_what_the_way_has_carried_stays_in_one_piece(tmp_path: Path, remote: Remote) -> None:
    """The answers are cut, not the chunks: in two parts each would be sent once more, under another key."""
    box = on_a_narrow_way(tmp_path, remote, widest=10**6, every_s=1, chunk_size=2500, batch_size=2500)

    def cut(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.close_connection = True

    remote.answer = cut
    for _ in range(4):
        box.upload()
        box.wait(61)
    keys = {headers["Idempotency-Key"] for headers, _ in remote.requests}
    bodies = {body for _, body in remote.requests}
    assert (len(remote.requests), len(keys), len(bodies)) == (4, 1, 1)
    assert all(len(body) > EASY_BYTES for body in bodies), [len(body) for body in bodies]
