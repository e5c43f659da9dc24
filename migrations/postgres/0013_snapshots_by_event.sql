-- Kept states, anew: each names the event that it ends with, and the form of the types that made it. All of it may be
-- deleted at any time: it is built again from the events.

DROP TABLE seriatim_snapshots;

CREATE TABLE seriatim_snapshots (
    domain      smallint NOT NULL,  -- seriatim_domains.id
    root        uuid NOT NULL,
    fingerprint bigint NOT NULL,    -- which type the state is of
    sequence    integer NOT NULL,   -- the last event in it
    shape       bigint NOT NULL,    -- which structs and variants it holds
    event       uuid NOT NULL,      -- the id of that event
    state       bytea NOT NULL,     -- JSON: convert_from(state, 'UTF8')
    CONSTRAINT seriatim_snapshots_sequence PRIMARY KEY (domain, root, fingerprint, sequence)
);
