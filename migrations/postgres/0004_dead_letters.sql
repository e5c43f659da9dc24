-- What waits for a person. The columns before `body` repeat what is in it, for finding letters.

CREATE TABLE seriatim_dead_letters (
    id     uuid PRIMARY KEY,
    domain text NOT NULL,
    root   uuid NOT NULL,
    status text NOT NULL,
    body   text NOT NULL            -- JSON: the whole letter
);

CREATE INDEX seriatim_dead_letters_domain_root ON seriatim_dead_letters (domain, root, id);
CREATE INDEX seriatim_dead_letters_status ON seriatim_dead_letters (status, id);
