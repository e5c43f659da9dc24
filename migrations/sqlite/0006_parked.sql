-- What components could not handle. A row of the first table is written only by the owner of its work, except the wish.

CREATE TABLE seriatim_parked (
    component   TEXT NOT NULL,
    partition   INTEGER NOT NULL,
    share_count INTEGER NOT NULL,
    share_index INTEGER NOT NULL,
    domain      TEXT NOT NULL,
    root        BLOB NOT NULL,
    sequence    INTEGER NOT NULL,   -- the first event that is not handled; those up to the checkpoint wait behind it
    tries       INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    failure     TEXT NOT NULL,
    attempts    TEXT NOT NULL,   -- JSON: what people tried
    wish        TEXT,            -- retry or skip; NULL: nobody has decided
    wish_actor  TEXT,
    wish_reason TEXT,
    wish_at     INTEGER,
    PRIMARY KEY (component, partition, share_count, share_index, domain, root)
) STRICT, WITHOUT ROWID;

-- Events that were given up. Rows are only added.
CREATE TABLE seriatim_skipped (
    component   TEXT NOT NULL,
    partition   INTEGER NOT NULL,
    share_count INTEGER NOT NULL,
    share_index INTEGER NOT NULL,
    domain      TEXT NOT NULL,
    root        BLOB NOT NULL,
    sequence    INTEGER NOT NULL,
    skipped_at  INTEGER NOT NULL,
    failure     TEXT NOT NULL,
    actor       TEXT,            -- NULL: the component's own policy
    reason      TEXT NOT NULL,
    PRIMARY KEY (component, partition, share_count, share_index, domain, root, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX seriatim_skipped_at ON seriatim_skipped (skipped_at);

-- Why its owner does nothing for it; NULL: it does.
ALTER TABLE seriatim_checkpoints ADD COLUMN paused TEXT;
