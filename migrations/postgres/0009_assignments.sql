-- Which process has a piece of work, and which other has asked for it, so that each finds its fair part.

ALTER TABLE seriatim_checkpoints
    ADD COLUMN owner_id    uuid,   -- whose name `owner` is; two may have one name
    ADD COLUMN asked_by    uuid,   -- NULL: nobody has asked since it was taken
    ADD COLUMN asked_until bigint; -- how long others leave it to whoever has asked
