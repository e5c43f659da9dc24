//! Contains components that react to events.

pub(crate) mod saga;
pub(crate) mod process;
pub(crate) mod component;
pub(crate) mod accountable;
pub(crate) mod reaction;
