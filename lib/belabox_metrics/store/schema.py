"""The tables. Everything is a run: one activation of one job is one row, its values packed in the order of a shape.

Why this layout and not rows of samples: docs/storage.md has the measurements.
"""

from __future__ import annotations

from .packed import VALUES, if_json

# 1 and 2 were schemas of an earlier program under the same path. migration.py has the steps from 3 on.
VERSION = 5
APPLICATION_ID = 0x42454C41  # "BELA": lets file(1) tell whose database it is

# Fixed when the file is made.
PAGE_SIZE = 1024

TABLES = """
CREATE TABLE schema_version (version INTEGER NOT NULL, applied_at TEXT NOT NULL);

-- What config.yaml says, defaults filled in. A list is one row for each item.
CREATE TABLE settings (
    section TEXT NOT NULL, key TEXT NOT NULL, position INTEGER NOT NULL, value,
    PRIMARY KEY (section, key, position)
) WITHOUT ROWID;

CREATE TABLE boots (
    id INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL UNIQUE,
    offset_ms INTEGER              -- wall clock - time since boot, once the right time was known; else NULL
);

CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,    -- what a run stores: a UUID in each would be a third of its bytes
    id TEXT NOT NULL UNIQUE,       -- UUID
    start_time INTEGER NOT NULL,   -- Unix time, ms
    end_time INTEGER,
    status TEXT,                   -- active, completed, failed
    metadata TEXT,                 -- JSON
    of_boot INTEGER                -- boots.id: no run of another boot belongs to it; NULL: not known
);

-- One row a job: where it stands, and what it must remember until its next run.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    job TEXT NOT NULL,                            -- collect, upload, ...
    metric TEXT NOT NULL,                         -- of a collection, else ''
    last_run INTEGER,                             -- runs.id
    last_outcome INTEGER,
    last_timestamp_ms INTEGER,
    last_boot INTEGER, last_boottime_ms INTEGER,
    done_timestamp_ms INTEGER,                    -- the last run that did not fail
    done_boot INTEGER, done_boottime_ms INTEGER,
    values_run INTEGER,                           -- the last run that has values
    last_error TEXT,
    failures INTEGER NOT NULL DEFAULT 0,          -- in a row
    runs_total INTEGER NOT NULL DEFAULT 0,
    failures_total INTEGER NOT NULL DEFAULT 0,
    samples_total INTEGER NOT NULL DEFAULT 0,     -- numeric values stored: what is sent or pending
    state TEXT, state_boot INTEGER, state_boottime_ms INTEGER,
    alerts TEXT,                                  -- what alert.py must remember of the metric, NULL for nothing
    UNIQUE (job, metric)
);

-- A shape is the list of series that a run has values for; a run stores only the values, in that order.
CREATE TABLE shapes (id INTEGER PRIMARY KEY, signature TEXT NOT NULL UNIQUE);
CREATE TABLE series (
    shape INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, tags TEXT NOT NULL,
    PRIMARY KEY (shape, position)
) WITHOUT ROWID;

-- id is max(wall clock ms, last id + 1): unique, in the order of writing, and near enough to time that a range of
-- time is a range of the key (a row's id is never less than its timestamp).
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    lead_ms INTEGER NOT NULL,                     -- id - wall clock: nearly always 0, which takes no byte
    boot INTEGER NOT NULL,
    boottime_ms INTEGER NOT NULL,
    synchronized INTEGER NOT NULL,                -- the wall clock had been set from a server
    duration_us INTEGER NOT NULL,
    outcome INTEGER NOT NULL,                     -- 0 done, 1 no data, 2 failed
    priority INTEGER NOT NULL,                    -- 0 most urgent .. 3
    session INTEGER,                              -- sessions.number
    shape INTEGER,
    packed TEXT,                                  -- JSON array of numbers, texts and nulls
    error TEXT
);

-- What was sent is a position for each priority, not a mark on every row. docs/upload.md tells how these work together.
CREATE TABLE positions (
    priority INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,                         -- all up to this one is sent, on its way behind, or set aside
    samples_sent INTEGER NOT NULL DEFAULT 0,
    samples_rejected INTEGER NOT NULL DEFAULT 0,
    sent_boot INTEGER, sent_boottime_ms INTEGER,  -- when it last went
    -- Numbers that left the queue without being sent: old while nothing was to be sent; or there was no room.
    samples_unsent INTEGER NOT NULL DEFAULT 0,
    dropped_pending INTEGER NOT NULL DEFAULT 0,
    dropped_sent INTEGER NOT NULL DEFAULT 0,      -- numbers that were sent, and for which there was no room
    dropped_ms INTEGER                            -- Unix time: when there last was no room
);
-- Spans of runs, (after_run, upto_run], that drain behind what is sampled now.
CREATE TABLE backlog (
    id INTEGER PRIMARY KEY, priority INTEGER NOT NULL, after_run INTEGER NOT NULL, upto_run INTEGER NOT NULL
);
-- What was about to be sent when it was last heard of: the very bytes. Of the samples of the runs in
-- (after_run, last_run], in order, it holds those from `start` up to `stop`.
CREATE TABLE flights (
    id INTEGER PRIMARY KEY,
    batch_id TEXT NOT NULL,
    chunk_index INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    backlog INTEGER,                              -- backlog.id, NULL for the queue itself
    after_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL,
    last_timestamp_ms INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    headers TEXT NOT NULL,                        -- Name: value, one a line
    body BLOB NOT NULL
);
-- Samples that the server refused while it took their neighbours.
CREATE TABLE rejected (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL, position INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL, name TEXT NOT NULL, tags TEXT NOT NULL, value,
    status INTEGER NOT NULL, reason TEXT NOT NULL, rejected_ms INTEGER NOT NULL
);
CREATE INDEX rejected_run ON rejected (run, position);
-- What the uploader knows of the server and the way to it: one row.
CREATE TABLE link (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    mode TEXT NOT NULL DEFAULT 'realtime',        -- realtime, degraded, offline
    outcomes TEXT NOT NULL DEFAULT '',            -- the last ones, a letter each, newest last
    failures INTEGER NOT NULL DEFAULT 0,          -- in a row
    boot INTEGER,                                 -- of the times below
    attempt_boottime_ms INTEGER,                  -- when it was last tried
    not_before_boottime_ms INTEGER,               -- no attempt before this
    binding INTEGER NOT NULL DEFAULT 0,           -- the server said so: holds for priority 0 too
    retry_boottime_ms INTEGER,                    -- whoever comes by then, wakes the uploader; NULL: the timer does
    backoff_ms INTEGER NOT NULL DEFAULT 0,
    rate REAL,                                    -- bytes a second that the way has carried
    status INTEGER,                               -- of the last answer
    error TEXT,                                   -- why the last attempt failed
    skew_ms REAL, skew_boot INTEGER, skew_boottime_ms INTEGER
);
CREATE TABLE upload_checkpoints (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id TEXT NOT NULL,
    chunk_index INTEGER NOT NULL,
    last_uploaded_id INTEGER,
    last_uploaded_timestamp INTEGER,
    upload_time INTEGER,
    metrics_count INTEGER
);
"""

# What runs become when they are no longer kept one by one (docs/retention.md). A row of the first two is what the runs
# of one shape gave in one step of time; its id is the step's number since 1970 * 2^32 + the shape. `packed` is an array
# in the order of the shape: store/aggregate.py says of what.
ROLLED = """
CREATE TABLE minutes (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,                         -- jobs.id
    priority INTEGER NOT NULL,                    -- the most urgent of its runs
    last_run INTEGER NOT NULL,                    -- the id that the last of its runs had
    packed TEXT NOT NULL
);
CREATE TABLE five_minutes (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL, priority INTEGER NOT NULL, last_run INTEGER NOT NULL, packed TEXT NOT NULL
);
-- How many runs of a job there were in an hour, of those whose rows are gone. id: the hour's number since 1970 * 2^32 +
-- jobs.id.
CREATE TABLE hours (
    id INTEGER PRIMARY KEY,
    done INTEGER NOT NULL DEFAULT 0, no_data INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0
);
"""

# The same for people and scripts: a row for each series and step. A counter has no mean, a text nothing but its last.
ROLLED_VIEW = f"""
CREATE VIEW metrics_rolled_up AS
SELECT
    timestamp_ms, step_ms, metric_name, tags,
    CASE kind WHEN 'text' THEN NULL WHEN 'one' THEN value WHEN 'counter' THEN at0 - at1 WHEN 'restarted' THEN at3
        ELSE at0 END AS value_min,
    CASE kind WHEN 'text' THEN NULL WHEN 'one' THEN value WHEN 'gauge' THEN at1 WHEN 'restarted' THEN at4
        ELSE at0 END AS value_max,
    CASE WHEN substr(metric_name, -6) = '_total' THEN NULL WHEN kind = 'one' THEN value WHEN kind = 'constant' THEN at0
        WHEN kind = 'gauge' THEN 1.0 * at2 / at4 END AS value_mean,
    CASE kind WHEN 'text' THEN value WHEN 'one' THEN value WHEN 'gauge' THEN at3 ELSE at0 END AS value_last,
    CASE kind WHEN 'text' THEN NULL WHEN 'one' THEN 1 WHEN 'constant' THEN at1 WHEN 'gauge' THEN at4
        ELSE at2 END AS value_count
FROM (
    SELECT step.timestamp_ms, step.step_ms, series.name AS metric_name, nullif(series.tags, '') AS tags, cell.value,
        CASE
            WHEN cell.type = 'text' THEN 'text'
            WHEN cell.type <> 'array' THEN 'one'
            WHEN json_array_length(cell.value) = 2 THEN 'constant'
            WHEN json_array_length(cell.value) = 3 THEN 'counter'
            WHEN substr(series.name, -6) = '_total' THEN 'restarted'
            ELSE 'gauge'
        END AS kind,
        CASE cell.type WHEN 'array' THEN json_extract(cell.value, '$[0]') END AS at0,
        CASE cell.type WHEN 'array' THEN json_extract(cell.value, '$[1]') END AS at1,
        CASE cell.type WHEN 'array' THEN json_extract(cell.value, '$[2]') END AS at2,
        CASE cell.type WHEN 'array' THEN json_extract(cell.value, '$[3]') END AS at3,
        CASE cell.type WHEN 'array' THEN json_extract(cell.value, '$[4]') END AS at4
    FROM (
        SELECT (id >> 32) * 60000 AS timestamp_ms, 60000 AS step_ms, id & 4294967295 AS shape, packed FROM minutes
        UNION ALL
        SELECT (id >> 32) * 300000, 300000, id & 4294967295, packed FROM five_minutes
    ) AS step
    JOIN json_each({if_json("step.packed")}) AS cell
    JOIN series ON series.shape = step.shape AND series.position = cell.key
    WHERE cell.type <> 'null'
);
"""  # noqa: S608 - a constant

# For people and scripts: every sample as a row, with the documented columns. What is no JSON is passed over: packed.py.
VIEW = f"""
CREATE VIEW metrics AS
SELECT
    run.id * 4096 + value.key AS id,
    run.id - run.lead_ms AS timestamp_ms,
    series.name AS metric_name,
    CASE WHEN value.type <> 'text' THEN value.value END AS metric_value,
    CASE WHEN value.type = 'text' THEN value.value END AS value_text,
    value.type = 'text' AS value_type,
    nullif(series.tags, '') AS tags,
    (SELECT sessions.id FROM sessions WHERE sessions.number = run.session) AS session_id,
    (SELECT value FROM settings WHERE section = 'device' AND key = 'id') AS device_id,
    value.type <> 'text'
        AND run.id <= (SELECT run FROM positions WHERE positions.priority = run.priority)
        AND NOT EXISTS (
            SELECT 1 FROM backlog
            WHERE backlog.priority = run.priority AND run.id > backlog.after_run AND run.id <= backlog.upto_run
        )
        AND NOT EXISTS (
            SELECT 1 FROM rejected WHERE rejected.run = run.id AND rejected.position = value.key
        ) AS uploaded,
    run.priority AS priority,
    series.name || '|' || (run.id - run.lead_ms) || '|'
        || coalesce((SELECT value FROM settings WHERE section = 'device' AND key = 'id'), '') || '|'
        || series.tags || '|' || (value.type = 'text') AS dedup_key
FROM runs AS run
JOIN json_each({VALUES}) AS value
JOIN series ON series.shape = run.shape AND series.position = value.key
WHERE run.packed IS NOT NULL AND value.type <> 'null';
"""  # noqa: S608 - a constant

VIEWS = VIEW + ROLLED_VIEW

# The rows that there always are.
ROWS = """
INSERT INTO positions (priority, run) VALUES (0, 0), (1, 0), (2, 0), (3, 0);
INSERT INTO link (id) VALUES (1);
"""
