-- Which versions of read models there are. Their tables, made by the application, are in the same schema.

CREATE TABLE seriatim_read_models (
    name     text COLLATE "C" NOT NULL,
    version  bigint NOT NULL,
    standing text NOT NULL,   -- 'building', 'live' or 'kept'
    tables   text NOT NULL,   -- their plain names, with commas in between
    begun_at bigint NOT NULL, -- by the clock of this server
    CONSTRAINT seriatim_read_models_version PRIMARY KEY (name, version)
);

CREATE UNIQUE INDEX seriatim_read_models_live ON seriatim_read_models (name) WHERE standing = 'live';
