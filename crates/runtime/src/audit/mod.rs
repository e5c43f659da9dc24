//! Proves that the log is whole, and that nobody's progress contradicts it.
//!
//! ```text
//! pages of the log ──► checker: positions dense, sequences dense, times in order ──► findings
//! checkpoints, parked streams ──► compared with the log's ends ────────────────────┘
//! ```
//!
//! What is proven of a log that is sound up to a position: its positions are 1, 2, 3 ... without a gap or a repeat; each
//! stream's sequences are 0, 1, 2 ... in the order of the positions; its recorded times never decrease; every event is in
//! its stream's partition. Memory is bounded, however many streams there are: of a stream that did not come lately the
//! event before is looked up in the store.

mod auditor;
mod checker;
mod finding;
mod job;
mod pass;
mod progress;

pub use auditor::{Audit, AuditProgress, AuditedPartition, Auditor};
pub use finding::Finding;
pub use job::{AuditJob, AuditSettings, AuditStatus};
