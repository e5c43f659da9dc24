-- What components could not handle. A row of the first table is written only by the owner of its work, except the wish.

CREATE TABLE seriatim_parked (
    component   text COLLATE "C" NOT NULL,
    partition   integer NOT NULL,
    share_count integer NOT NULL,
    share_index integer NOT NULL,
    domain      text COLLATE "C" NOT NULL,
    root        uuid NOT NULL,
    sequence    integer NOT NULL,   -- the first event that is not handled; those up to the checkpoint wait behind it
    tries       integer NOT NULL,
    since       bigint NOT NULL,
    failure     text NOT NULL,
    attempts    text NOT NULL,   -- JSON: what people tried
    wish        text,            -- retry or skip; NULL: nobody has decided
    wish_actor  text,
    wish_reason text,
    wish_at     bigint,
    PRIMARY KEY (component, partition, share_count, share_index, domain, root)
);

-- Events that were given up. Rows are only added.
CREATE TABLE seriatim_skipped (
    component   text COLLATE "C" NOT NULL,
    partition   integer NOT NULL,
    share_count integer NOT NULL,
    share_index integer NOT NULL,
    domain      text COLLATE "C" NOT NULL,
    root        uuid NOT NULL,
    sequence    integer NOT NULL,
    skipped_at  bigint NOT NULL,
    failure     text NOT NULL,
    actor       text,            -- NULL: the component's own policy
    reason      text NOT NULL,
    PRIMARY KEY (component, partition, share_count, share_index, domain, root, sequence)
);

CREATE INDEX seriatim_skipped_at ON seriatim_skipped (skipped_at);

-- Why its owner does nothing for it; NULL: it does.
ALTER TABLE seriatim_checkpoints ADD COLUMN paused text;
