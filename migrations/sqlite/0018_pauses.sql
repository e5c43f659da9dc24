-- Components that a person has paused. What their owners do about it is in the checkpoints.

CREATE TABLE seriatim_pauses (
    component text PRIMARY KEY,
    why       text NOT NULL
) STRICT, WITHOUT ROWID;
