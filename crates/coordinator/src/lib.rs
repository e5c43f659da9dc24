//! Runs commands and facts against aggregates.
//!
//! ```text
//! submit ─► admission ─► the stream's mailbox ─► round: load, judge, append, settle ─► receipt
//!                                                                      └─► the store shares commits between streams
//! ```
//!
//! `round` is the one place that controls what happens on a conflict. The merge strategies that it asks are pure and
//! are in `seriatim_core::merge`.

mod settings;
mod coordinator;
mod admission;
mod shared;
mod host;
mod intake;
mod preparation;
mod job;
mod mailbox;
mod newness;
mod round;
mod chain;
mod judge;
mod collision;
mod answer;
mod commit;
mod lookups;
mod gather;
mod history;
mod state_size;
mod states;
mod snapshots;
mod view;
mod changes;
mod three_way;
mod letters;
mod deciding;
mod guard;
mod beside;
mod meter;

pub use coordinator::{Coordinator, CoordinatorBuilder, StartError};
pub use host::DomainInfo;
pub use meter::describe_metrics;
pub use settings::Settings;
