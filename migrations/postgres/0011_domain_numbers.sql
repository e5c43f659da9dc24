-- The writer gives a new domain the smallest number that is free. The sequence gave one away whenever it was asked, also for
-- domains that were there already, and so ran out.

ALTER TABLE seriatim_domains ALTER COLUMN id DROP IDENTITY;
