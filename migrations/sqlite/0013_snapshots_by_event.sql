-- Kept states, anew: each names the event that it ends with, and the form of the types that made it. All of it may be
-- deleted at any time: it is built again from the events.

DROP TABLE seriatim_snapshots;

CREATE TABLE seriatim_snapshots (
    domain      INTEGER NOT NULL,   -- seriatim_domains.id
    root        BLOB NOT NULL,
    fingerprint INTEGER NOT NULL,   -- which type the state is of
    sequence    INTEGER NOT NULL,   -- the last event in it
    shape       INTEGER NOT NULL,   -- which structs and variants it holds
    event       BLOB NOT NULL,      -- the id of that event
    state       ANY NOT NULL,       -- JSON text
    PRIMARY KEY (domain, root, fingerprint, sequence)
) STRICT;
