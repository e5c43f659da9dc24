-- A checksum of each event, checked when it is read. NULL: none was made, and nothing is checked.

ALTER TABLE seriatim_events ADD COLUMN checksum bigint;
