"""The tables. Everything is a run: one activation of one job is one row, its values packed in the order of a shape.

Why this layout and not rows of samples: docs/storage.md has the measurements.
"""

from __future__ import annotations

# 1 and 2 were schemas of an earlier program under the same path.
VERSION = 3
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

CREATE TABLE boots (id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    start_time INTEGER NOT NULL,   -- Unix time, ms
    end_time INTEGER,
    status TEXT,                   -- active, completed, failed
    metadata TEXT                  -- JSON
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
    timestamp_ms INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    boottime_ms INTEGER NOT NULL,
    synchronized INTEGER NOT NULL,                -- the wall clock had been set from a server
    duration_us INTEGER NOT NULL,
    outcome INTEGER NOT NULL,                     -- 0 done, 1 no data, 2 failed
    priority INTEGER NOT NULL,                    -- 0 most urgent .. 3
    session TEXT,
    shape INTEGER,
    packed TEXT,                                  -- JSON array of numbers, texts and nulls
    error TEXT
);

-- What was sent is a position for each priority, not a mark on every row.
CREATE TABLE positions (
    priority INTEGER PRIMARY KEY, run INTEGER NOT NULL, samples_sent INTEGER NOT NULL DEFAULT 0
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

-- For people and scripts: every sample as a row, with the documented columns.
CREATE VIEW metrics AS
SELECT
    run.id * 4096 + value.key AS id,
    run.timestamp_ms AS timestamp_ms,
    series.name AS metric_name,
    CASE WHEN value.type <> 'text' THEN value.value END AS metric_value,
    CASE WHEN value.type = 'text' THEN value.value END AS value_text,
    value.type = 'text' AS value_type,
    nullif(series.tags, '') AS tags,
    run.session AS session_id,
    (SELECT value FROM settings WHERE section = 'device' AND key = 'id') AS device_id,
    value.type <> 'text'
        AND run.id <= (SELECT run FROM positions WHERE positions.priority = run.priority) AS uploaded,
    run.priority AS priority,
    series.name || '|' || run.timestamp_ms || '|'
        || coalesce((SELECT value FROM settings WHERE section = 'device' AND key = 'id'), '') || '|'
        || series.tags || '|' || (value.type = 'text') AS dedup_key
FROM runs AS run
JOIN json_each(run.packed) AS value
JOIN series ON series.shape = run.shape AND series.position = value.key
WHERE run.packed IS NOT NULL AND value.type <> 'null';

INSERT INTO positions (priority, run) VALUES (0, 0), (1, 0), (2, 0), (3, 0);
"""
