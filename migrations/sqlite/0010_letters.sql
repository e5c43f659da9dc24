-- Letters about events that components gave up have an identity, and are kept when they are closed.

-- The letter that the stream is parked at; NULL: it has come so far, and that event was not given up.
ALTER TABLE seriatim_parked ADD COLUMN letter BLOB;

-- What is parked now gets one by its time, of version 7.
UPDATE seriatim_parked
SET letter = unhex(printf('%012x', since / 1000) || '7' || substr(hex(randomblob(2)), 2)
    || '8' || substr(hex(randomblob(8)), 2))
WHERE tries > 0;

-- One word for what a person decides, whatever a letter is about.
UPDATE seriatim_parked SET wish = CASE wish WHEN 'retry' THEN 'resubmit' ELSE 'discard' END WHERE wish IS NOT NULL;

-- What became of them. Rows are only added.
CREATE TABLE seriatim_closed_letters (
    letter      BLOB PRIMARY KEY NOT NULL,
    component   TEXT NOT NULL,
    partition   INTEGER NOT NULL,
    share_count INTEGER NOT NULL,
    share_index INTEGER NOT NULL,
    domain      TEXT NOT NULL,
    root        BLOB NOT NULL,
    sequence    INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    failure     TEXT NOT NULL,
    attempts    TEXT NOT NULL,   -- JSON: what people tried in vain
    wish        TEXT,            -- resubmit or discard: what closed it
    wish_actor  TEXT,            -- NULL: the component's own policy, or nobody said
    wish_reason TEXT,
    wish_at     INTEGER,
    status      TEXT NOT NULL,
    closed_at   INTEGER NOT NULL
) STRICT;

-- For the list, which is asked for one component at a time.
CREATE INDEX seriatim_closed_letters_component ON seriatim_closed_letters (component, letter);

INSERT INTO seriatim_closed_letters
SELECT unhex(printf('%012x', skipped_at / 1000) || '7' || substr(hex(randomblob(2)), 2)
    || '8' || substr(hex(randomblob(8)), 2)),
    component, partition, share_count, share_index, domain, root, sequence, 1, skipped_at, failure, '[]',
    'discard', actor, reason, skipped_at, 'discarded', skipped_at
FROM seriatim_skipped;

DROP TABLE seriatim_skipped;

-- How many attempts there were: of two people who revise a letter at the same time, one is first.
ALTER TABLE seriatim_dead_letters ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
