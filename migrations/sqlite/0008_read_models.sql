-- Which versions of read models there are. Their tables, made by the application, are in the same file.

CREATE TABLE seriatim_read_models (
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    standing TEXT NOT NULL,     -- 'building', 'live' or 'kept'
    tables   TEXT NOT NULL,     -- their plain names, with commas in between
    begun_at INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX seriatim_read_models_live ON seriatim_read_models (name) WHERE standing = 'live';
