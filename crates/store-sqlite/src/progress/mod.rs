//! The progress of reactions, their timers, and who does their work.

pub(crate) mod assignment;
pub(crate) mod beginning;
pub(crate) mod checkpoint;
pub(crate) mod pause;
pub(crate) mod scope;
pub(crate) mod timer;
pub(crate) mod update;
