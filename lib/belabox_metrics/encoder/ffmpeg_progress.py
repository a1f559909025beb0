"""The file that `ffmpeg -progress FILE` appends to: blocks of `key=value` lines, two a second, each ended by
`progress=continue` or, when ffmpeg leaves, `progress=end`.

By ffmpeg's `fftools/ffmpeg.c` (print_report). Its own `fps` and `bitrate` are means since it began, which hide what
happens now; so rates are taken between two blocks. `out_time_ms` holds microseconds, as `out_time_us` does.
A stock BELABOX does not run ffmpeg.
"""

from __future__ import annotations

from ..errors import NoData, SourceProblem
from ..sample import Sample
from ..source import unsigned

COUNTERS = (
    ("frame", "encoder.frames_total"),
    ("drop_frames", "encoder.frames_dropped_total"),
    ("dup_frames", "encoder.frames_duplicated_total"),
    ("total_size", "encoder.output_bytes_total"),
)
# What the next run needs of a block.
KEPT = ("frame", "drop_frames", "total_size", "out_time_us")
MOST_STREAMS = 8


class Block:
    """One block: its `counters` by ffmpeg's names (those of COUNTERS, and `out_time_us`), its `speed` (1.0 keeps pace
    with the source) and `quantizers` by stream; what ffmpeg did not know is missing. `ended` tells a last block."""

    __slots__ = ("counters", "ended", "quantizers", "speed")

    def __init__(self, lines: list[str]) -> None:
        pairs = dict([line.partition("=")[::2] for line in lines])
        self.ended = pairs.get("progress") == "end"
        self.counters: dict[str, int] = {}
        for key in (*[key for key, _ in COUNTERS], "out_time_us"):
            value = pairs.get(key, "").strip()
            if value.isdigit() and value.isascii() and len(value) < 19:
                self.counters[key] = int(value)
        self.speed = _decimal(pairs.get("speed", "").strip()[:-1])
        self.quantizers: dict[str, float] = {}
        for key, value in pairs.items():
            stream = key[len("stream_") : -len("_q")]
            known = key.startswith("stream_") and key.endswith("_q") and stream.replace("_", "").isdigit()
            number = _decimal(value.strip())
            if known and stream.isascii() and len(stream) < 9 and number is not None:
                self.quantizers[stream] = number


def parse(text: str, where: str) -> Block:
    """The last whole block at the end of the file; the first of the text may be cut.

    Raises NoData when there is none yet, SourceProblem when this is another kind of file."""
    lines = text.split("\n")
    lines.pop()
    if not lines:
        raise NoData(f"{where} has no complete report yet")
    ends = [at for at, line in enumerate(lines) if line in ("progress=continue", "progress=end")]
    if not ends:
        if all("=" in line for line in lines[1:]) and len(lines) < 64:
            raise NoData(f"{where} has no complete report yet")
        raise SourceProblem("is no file of ffmpeg -progress", where=where)
    first = ends[-2] + 1 if len(ends) > 1 else 0
    block = Block(lines[first : ends[-1] + 1])
    if "frame" not in block.counters and "total_size" not in block.counters:
        raise SourceProblem("is no file of ffmpeg -progress", where=where)
    return block


def mark(block: Block, written_ms: int) -> str:
    """A block and when it was written as one line, for the `seen` of the next run."""
    return " ".join([str(written_ms), *[str(block.counters.get(key, "-")) for key in KEPT]])


def collect(block: Block, written_ms: int, seen: str, elapsed_ms: int | None = None, slack_ms: int = 0) -> list[Sample]:
    """The series of COUNTERS, `encoder.speed_ratio`, `encoder.quantizer` (tag `stream`: ffmpeg's number of output
    file and stream), and since the block marked `seen`: `encoder.output_frame_rate_fps`, `encoder.output_bitrate_kbps`
    (of what was written, by the time of the film) and `encoder.frames_dropped_percent` of all frames that were due.

    After a new start of ffmpeg, whose counters begin again, there are no rates once; nor when the clock was set that
    the file's time is of: `elapsed_ms` since the run before, where that is known, must agree with it to `slack_ms`."""
    found = [Sample(series, block.counters[key]) for key, series in COUNTERS if key in block.counters]
    if block.speed is not None:
        found.append(Sample("encoder.speed_ratio", block.speed))
    for stream in sorted(block.quantizers)[:MOST_STREAMS]:
        found.append(Sample("encoder.quantizer", block.quantizers[stream], {"stream": stream}))
    passed, spent = _since(block, written_ms, seen)
    if elapsed_ms is not None and abs(passed - elapsed_ms) > slack_ms:
        return found
    if passed <= 0 or min(spent.values(), default=-1) < 0:
        return found
    if "frame" in spent:
        found.append(Sample("encoder.output_frame_rate_fps", round(spent["frame"] * 1000 / passed, 2)))
    if spent.get("out_time_us") and "total_size" in spent:
        found.append(Sample("encoder.output_bitrate_kbps", round(spent["total_size"] * 8000 / spent["out_time_us"], 1)))
    if "frame" in spent and "drop_frames" in spent and spent["frame"] + spent["drop_frames"]:
        percent = 100 * spent["drop_frames"] / (spent["frame"] + spent["drop_frames"])
        found.append(Sample("encoder.frames_dropped_percent", round(percent, 3)))
    return found


def _since(block: Block, written_ms: int, seen: str) -> tuple[int, dict[str, int]]:
    """(ms, counter -> how much it has grown) since the block marked `seen`; (0, {}) when that can't be told."""
    words = seen.split(" ")
    if len(words) != len(KEPT) + 1:
        return 0, {}
    try:
        passed = written_ms - unsigned(words[0], "state", 0, "time")
        spent = {
            key: block.counters[key] - unsigned(word, "state", 0, key)
            for key, word in zip(KEPT, words[1:])
            if key in block.counters and word != "-"
        }
    except SourceProblem:
        return 0, {}
    return passed, spent


def _decimal(text: str) -> float | None:
    """A number as printf writes it with %f or %g; None for `N/A` and for what no encoder has."""
    digits = text[1:] if text.startswith("-") else text
    whole, _, part = digits.partition(".")
    if not ((whole + part).isdigit() and text.isascii() and len(text) < 16):
        return None
    return float(text)
