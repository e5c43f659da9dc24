-- The log has an identity, and whoever has read it notes which event stands at the place that they have come to.

-- One row, made with the log.
CREATE TABLE seriatim_log (
    id uuid NOT NULL    -- never changes; a copy of the log has the same
);

INSERT INTO seriatim_log (id) VALUES (gen_random_uuid());

ALTER TABLE seriatim_checkpoints
    ADD COLUMN log   uuid, -- whose position it is; NULL: not noted, before the next move
    ADD COLUMN event uuid; -- the one at the position; NULL: as above, or it is the start
