-- External ids that were spent, each on one stream, as long as the stream exists.

CREATE TABLE seriatim_claims (
    domain       smallint NOT NULL, -- seriatim_domains.id
    root         uuid NOT NULL,
    external_id  bytea NOT NULL,    -- UTF-8; any text, also one that holds the character 0
    content      bytea NOT NULL,    -- SHA-256 of what was asked for
    first_result text NOT NULL,     -- JSON: what became of it
    CONSTRAINT seriatim_claims_external_id PRIMARY KEY (domain, root, external_id)
);
