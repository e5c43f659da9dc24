-- Kept states. All of it may be deleted at any time: it is built again from the events.

CREATE TABLE seriatim_snapshots (
    domain      smallint NOT NULL,  -- seriatim_domains.id
    root        uuid NOT NULL,
    fingerprint bigint NOT NULL,    -- which type the state is of
    sequence    integer NOT NULL,   -- the last event in it
    state       bytea NOT NULL,     -- JSON: convert_from(state, 'UTF8')
    CONSTRAINT seriatim_snapshots_sequence PRIMARY KEY (domain, root, fingerprint, sequence)
);
