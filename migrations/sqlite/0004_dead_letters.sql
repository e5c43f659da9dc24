-- What waits for a person. The columns before `body` repeat what is in it, for finding letters.

CREATE TABLE seriatim_dead_letters (
    id     BLOB PRIMARY KEY NOT NULL,
    domain TEXT NOT NULL,
    root   BLOB NOT NULL,
    status TEXT NOT NULL,
    body   TEXT NOT NULL            -- JSON: the whole letter
) STRICT;

-- One for each filter, in the order of the list.
CREATE INDEX seriatim_dead_letters_domain ON seriatim_dead_letters (domain, id);
CREATE INDEX seriatim_dead_letters_domain_root ON seriatim_dead_letters (domain, root, id);
CREATE INDEX seriatim_dead_letters_status ON seriatim_dead_letters (status, id);
