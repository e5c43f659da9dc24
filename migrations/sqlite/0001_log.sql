-- The log: events in streams, and the head from which every batch takes its positions.
--
-- Times are microseconds since 1970-01-01T00:00:00Z. UUIDs are 16 bytes.

-- The last position given away, and the time it was given at. A log with one partition has one row.
CREATE TABLE seriatim_log_head (
    partition   INTEGER PRIMARY KEY,
    position    INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;

INSERT INTO seriatim_log_head (partition, position, recorded_at) VALUES (0, 0, 0);

-- A stream is named by its domain and its root; a small number for the domain keeps the indexes small.
CREATE TABLE seriatim_domains (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX seriatim_domains_name ON seriatim_domains (name);

-- `data` comes last: a large one must not be in the way of the other columns.
CREATE TABLE seriatim_events (
    position    INTEGER PRIMARY KEY,
    domain      INTEGER NOT NULL,   -- seriatim_domains.id
    root        BLOB NOT NULL,
    sequence    INTEGER NOT NULL,   -- 0, 1, 2 ... in its stream
    recorded_at INTEGER NOT NULL,   -- never less than that of the position before
    id          BLOB NOT NULL,
    type        TEXT NOT NULL,
    codec       INTEGER NOT NULL,   -- 0: JSON, 1: protobuf
    metadata    TEXT,               -- JSON; NULL: nothing is known
    data        ANY NOT NULL        -- JSON as text, protobuf as a blob
) STRICT;

-- Who has the next sequence of a stream is decided here.
CREATE UNIQUE INDEX seriatim_events_stream_sequence ON seriatim_events (domain, root, sequence);
