-- The alarms that process managers have set.

CREATE TABLE seriatim_timers (
    due      bigint NOT NULL,
    rings_at bigint NOT NULL,   -- as due, or later, while whoever it rang for is at work; by the clock of this server
    root     uuid NOT NULL,
    set_at   integer NOT NULL,  -- the sequence of the event that has set it
    ordinal  integer NOT NULL,  -- its place among the timers of that event
    domain   text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    CONSTRAINT seriatim_timers_name PRIMARY KEY (domain, root, name)
);

CREATE INDEX seriatim_timers_rings_at ON seriatim_timers (domain, rings_at);
