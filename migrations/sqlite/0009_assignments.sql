-- Which process has a piece of work, and which other has asked for it, so that each finds its fair part.

ALTER TABLE seriatim_checkpoints ADD COLUMN owner_id BLOB;       -- whose name `owner` is; two may have one name
ALTER TABLE seriatim_checkpoints ADD COLUMN asked_by BLOB;       -- NULL: nobody has asked since it was taken
ALTER TABLE seriatim_checkpoints ADD COLUMN asked_until INTEGER; -- how long others leave it to whoever has asked
