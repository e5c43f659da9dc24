-- What people write about letters of both kinds, and who looks after them; and what letters that wait for the same reason
-- have in common.

-- Rows are only added, but for the assignee.
CREATE TABLE seriatim_letter_annotations (
    letter   uuid NOT NULL,
    number   integer NOT NULL,   -- 1, 2, 3 ... for each letter
    body     text NOT NULL,      -- JSON: the whole annotation
    assignee text COLLATE "C",   -- who looks after the letter, in the row that says so, as long as it holds
    PRIMARY KEY (letter, number)
);

CREATE INDEX seriatim_letter_annotations_assigned ON seriatim_letter_annotations (letter) WHERE assignee IS NOT NULL;
CREATE INDEX seriatim_letter_annotations_assignee ON seriatim_letter_annotations (assignee, letter)
WHERE assignee IS NOT NULL;

-- Empty: the letter was kept before this.
ALTER TABLE seriatim_dead_letters ADD COLUMN fault text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE seriatim_parked ADD COLUMN fault text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE seriatim_closed_letters ADD COLUMN fault text COLLATE "C" NOT NULL DEFAULT '';

-- Counts the faults without reading letters, and lists the letters of one.
CREATE INDEX seriatim_dead_letters_fault ON seriatim_dead_letters (status, domain, fault, id);
CREATE INDEX seriatim_parked_fault ON seriatim_parked (component, domain, fault, letter) WHERE letter IS NOT NULL;
