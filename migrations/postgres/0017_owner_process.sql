-- By what others on the owner's host can tell whether it still runs; NULL: they cannot.
ALTER TABLE seriatim_checkpoints ADD COLUMN owner_process text;
