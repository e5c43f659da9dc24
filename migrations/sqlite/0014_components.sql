-- Where the work of a component begins that nobody ever had: decided once for all of it.

CREATE TABLE seriatim_beginnings (
    component TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position  INTEGER NOT NULL, -- the last that the component is not given
    log       BLOB,             -- whose position it is
    event     BLOB,             -- the one there; NULL: it is the start
    PRIMARY KEY (component, partition)
) STRICT, WITHOUT ROWID;

-- Those that are at work have begun at the first event.
INSERT INTO seriatim_beginnings (component, partition, position)
SELECT DISTINCT component, partition, 0 FROM seriatim_checkpoints;
