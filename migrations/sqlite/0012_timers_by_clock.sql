-- What a timer was set by: so that a clock which was ahead, and is right again, keeps nobody waiting.

-- 0: it was set before this was noted, and stays as it is.
ALTER TABLE seriatim_timers ADD COLUMN counts_from INTEGER NOT NULL DEFAULT 0; -- the time to which the wait was added
ALTER TABLE seriatim_timers ADD COLUMN touched_at INTEGER NOT NULL DEFAULT 0;  -- the same, or when it last rang

-- For those that lie in the future.
CREATE INDEX seriatim_timers_touched_at ON seriatim_timers (domain, touched_at);
