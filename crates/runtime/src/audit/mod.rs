//! Checks that the log is whole, that no progress contradicts it, and that each effect took place once.
//!
//! ```text
//! pages of the log ──► checker: positions dense, sequences dense, times in order ──► findings
//! checkpoints, parked streams ──► compared with the log's ends ────────────────────┤
//! events up to a checkpoint ──► component, asked again ──► outcome at the target? ─┤
//! claims, timers ──► the event they name ──► component: was it asked for? ─────────┘
//! ```
//!
//! If a log is sound up to a position, this is proven: its positions are 1, 2, 3 ... without a gap or a repetition;
//! each stream's sequences are 0, 1, 2 ... in the order of the positions; its recorded times never decrease; every
//! event is in its stream's partition. Memory is bounded, however many streams there are: for a stream that did not
//! come lately, the event before is looked up in the store.
//!
//! If a component's effects are proven up to a position, each effect of an event has an outcome at its target
//! (forward), and every outcome has an event that asked for it (backward). The key of the claims' table makes sure that
//! no effect has two outcomes.

mod auditor;
mod report;
mod pass;
mod checker;
mod progress;
mod effects;
mod forwards;
mod frontier;
mod excuse;
mod backwards;
mod finding;
mod found;
mod unproven;
mod job;

pub use auditor::Auditor;
pub use finding::Finding;
pub use forwards::AuditedEffects;
pub use job::{AuditJob, AuditSettings, AuditStatus};
pub use report::{Audit, AuditProgress, AuditedPartition};
pub use unproven::Unproven;
