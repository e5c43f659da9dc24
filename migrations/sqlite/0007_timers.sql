-- The alarms that process managers have set.

CREATE TABLE seriatim_timers (
    domain   TEXT NOT NULL,
    root     BLOB NOT NULL,
    name     TEXT NOT NULL,
    set_at   INTEGER NOT NULL,  -- the sequence of the event that has set it
    ordinal  INTEGER NOT NULL,  -- its place among the timers of that event
    due      INTEGER NOT NULL,
    rings_at INTEGER NOT NULL,  -- as due, or later, while whoever it rang for is at work
    PRIMARY KEY (domain, root, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX seriatim_timers_rings_at ON seriatim_timers (domain, rings_at);
