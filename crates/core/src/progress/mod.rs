//! Records the progress of components, and which process does their work.

pub(crate) mod assignment;
pub(crate) mod lease;
pub(crate) mod update;
pub(crate) mod checkpoint;
pub(crate) mod timer;
pub(crate) mod scope;
