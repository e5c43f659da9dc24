-- Letters about events that components gave up have an identity, and are kept when they are closed.

-- The letter that the stream is parked at; NULL: it has come so far, and that event was not given up.
ALTER TABLE seriatim_parked ADD COLUMN letter uuid;

-- What is parked now gets one by its time, of version 7.
UPDATE seriatim_parked
SET letter = (lpad(to_hex(since / 1000), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
    || '8' || substr(md5(random()::text), 1, 15))::uuid
WHERE tries > 0;

-- One word for what a person decides, whatever a letter is about.
UPDATE seriatim_parked SET wish = CASE wish WHEN 'retry' THEN 'resubmit' ELSE 'discard' END WHERE wish IS NOT NULL;

-- What became of them. Rows are only added.
CREATE TABLE seriatim_closed_letters (
    letter      uuid PRIMARY KEY,
    component   text COLLATE "C" NOT NULL,
    partition   integer NOT NULL,
    share_count integer NOT NULL,
    share_index integer NOT NULL,
    domain      text COLLATE "C" NOT NULL,
    root        uuid NOT NULL,
    sequence    integer NOT NULL,
    tries       integer NOT NULL,
    since       bigint NOT NULL,
    failure     text NOT NULL,
    attempts    text NOT NULL,   -- JSON: what people tried in vain
    wish        text,            -- resubmit or discard: what closed it
    wish_actor  text,            -- NULL: the component's own policy, or nobody said
    wish_reason text,
    wish_at     bigint,
    status      text NOT NULL,
    closed_at   bigint NOT NULL
);

-- For the list, which is asked for one component at a time.
CREATE INDEX seriatim_closed_letters_component ON seriatim_closed_letters (component, letter);

INSERT INTO seriatim_closed_letters
SELECT (lpad(to_hex(skipped_at / 1000), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
    || '8' || substr(md5(random()::text), 1, 15))::uuid,
    component, partition, share_count, share_index, domain, root, sequence, 1, skipped_at, failure, '[]',
    'discard', actor, reason, skipped_at, 'discarded', skipped_at
FROM seriatim_skipped;

DROP TABLE seriatim_skipped;

-- How many attempts there were: of two people who revise a letter at the same time, one is first.
ALTER TABLE seriatim_dead_letters ADD COLUMN revision integer NOT NULL DEFAULT 0;
