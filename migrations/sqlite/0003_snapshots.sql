-- Kept states. All of it may be deleted at any time: it is built again from the events.

CREATE TABLE seriatim_snapshots (
    domain      INTEGER NOT NULL,   -- seriatim_domains.id
    root        BLOB NOT NULL,
    fingerprint INTEGER NOT NULL,   -- which type the state is of
    sequence    INTEGER NOT NULL,   -- the last event in it
    state       ANY NOT NULL,       -- JSON text
    PRIMARY KEY (domain, root, fingerprint, sequence)
) STRICT;
