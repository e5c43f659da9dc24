//! The progress of reactions, their timers, and who does their work.

pub(crate) mod assignment;
pub(crate) mod beginning_sql;
pub(crate) mod checkpoint;
pub(crate) mod checkpoint_sql;
pub(crate) mod pause_sql;
pub(crate) mod timer;
