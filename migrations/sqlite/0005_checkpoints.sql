-- How far each piece of a component's work has come, and who does it.

-- A row is updated with every batch that its owner has finished; no index holds a column that such an update changes.
CREATE TABLE seriatim_checkpoints (
    component    TEXT NOT NULL,
    partition    INTEGER NOT NULL,
    share_count  INTEGER NOT NULL,
    share_index  INTEGER NOT NULL,
    position     INTEGER NOT NULL,  -- the last one that is finished
    epoch        INTEGER NOT NULL,  -- counts how often the work was taken
    tenure       BLOB NOT NULL,     -- names the last taking: what is written under another changes nothing
    owner        TEXT,              -- NULL: it was released
    leased_until INTEGER NOT NULL,
    moved_at     INTEGER NOT NULL,  -- when the position changed last
    PRIMARY KEY (component, partition, share_count, share_index)
) STRICT, WITHOUT ROWID;
