-- Where the work of a component begins that nobody ever had: decided once for all of it.

CREATE TABLE seriatim_beginnings (
    component text    NOT NULL COLLATE "C",
    partition integer NOT NULL,
    position  bigint  NOT NULL, -- the last that the component is not given
    log       uuid,             -- whose position it is
    event     uuid,             -- the one there; NULL: it is the start
    PRIMARY KEY (component, partition)
);

-- Those that are at work have begun at the first event.
INSERT INTO seriatim_beginnings (component, partition, position)
SELECT DISTINCT component, partition, 0 FROM seriatim_checkpoints;
