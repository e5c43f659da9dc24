-- How far each piece of a component's work has come, and who does it.

-- A row is updated with every batch that its owner has finished. No index holds a column that such an update changes,
-- and half of the pages stay empty, so that it finds room beside the row it replaces and touches no index.
CREATE TABLE seriatim_checkpoints (
    position     bigint NOT NULL,   -- the last one that is finished
    epoch        bigint NOT NULL,   -- counts how often the work was taken
    leased_until bigint NOT NULL,   -- by the clock of this server, as the next
    moved_at     bigint NOT NULL,   -- when the position changed last
    partition    integer NOT NULL,  -- these three are never negative, and go past what a smallint has
    share_count  integer NOT NULL,
    share_index  integer NOT NULL,
    tenure       uuid NOT NULL,     -- names the last taking: what is written under another changes nothing
    component    text COLLATE "C" NOT NULL,
    owner        text,              -- NULL: it was released
    CONSTRAINT seriatim_checkpoints_work PRIMARY KEY (component, partition, share_count, share_index)
) WITH (fillfactor = 50);
