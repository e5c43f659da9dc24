-- The log has an identity, and whoever has read it notes which event stands at the place that they have come to.

-- One row, made with the log.
CREATE TABLE seriatim_log (
    id BLOB NOT NULL    -- never changes; a copy of the log has the same
) STRICT;

INSERT INTO seriatim_log (id)
VALUES (unhex(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || '8' || substr(hex(randomblob(8)), 2)));

ALTER TABLE seriatim_checkpoints ADD COLUMN log BLOB;   -- whose position it is; NULL: not noted, before the next move
ALTER TABLE seriatim_checkpoints ADD COLUMN event BLOB; -- the one at the position; NULL: as above, or it is the start
