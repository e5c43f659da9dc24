-- External ids that were spent, each on one stream, as long as the stream exists.

CREATE TABLE seriatim_claims (
    stream       INTEGER NOT NULL,  -- seriatim_streams.id
    external_id  TEXT NOT NULL,
    content      BLOB NOT NULL,     -- SHA-256 of what was asked for
    first_result TEXT NOT NULL,     -- JSON: what became of it
    PRIMARY KEY (stream, external_id)
) STRICT, WITHOUT ROWID;
