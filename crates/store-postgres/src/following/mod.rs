//! Waking those who follow the log.

pub(crate) mod notifier;
pub(crate) mod waiting;
pub(crate) mod watcher;
