-- External ids that were spent, each on one stream, as long as the stream exists.

CREATE TABLE seriatim_claims (
    domain       INTEGER NOT NULL,  -- seriatim_domains.id
    root         BLOB NOT NULL,
    external_id  TEXT NOT NULL,
    content      BLOB NOT NULL,     -- SHA-256 of what was asked for
    first_result TEXT NOT NULL,     -- JSON: what became of it
    PRIMARY KEY (domain, root, external_id)
) STRICT, WITHOUT ROWID;
