"""The layouts that are compared, by their letters."""

from __future__ import annotations

from .layout import Layout
from .row_a_run import Carried, Clocked, Packed, TimeJob
from .row_a_sample import Relations, Specified, TimeSeries

LAYOUTS: dict[str, tuple[str, Layout]] = {
    "a": ("specification: row a sample, five indexes", Specified()),
    "b": ("series + samples keyed (ts, series)", TimeSeries()),
    "c": ("runs + samples keyed (run, series)", Relations()),
    "d": ("row a run, JSON, UNIQUE(job, ts)", Packed(unique=True)),
    "e": ("row a run, JSON, no unique index", Packed(unique=False)),
    "f-": ("clock id, no state", Clocked(stateful=False)),
    "f": ("clock id, state in jobs", Clocked()),
    "fb": ("as f, values as varints and doubles", Clocked(blob=True)),
    "g": ("clock id, state in the run row", Carried()),
    "h": ("as f, WITHOUT ROWID keyed (ts, job)", TimeJob()),
}
