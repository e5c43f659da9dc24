//! Feeds the log to subscribers and components.
//!
//! ```text
//!                  ┌─ behind: pages from the store, at the subscriber's own pace
//! the log ─────────┤
//!                  └─ caught up: the tail, read once for all subscribers of the process, kept a while in memory
//! ```
//!
//! Both ways go by the positions of the log, which are dense: a reader that has seen position `p` asks for `p + 1`. A
//! switch between them therefore misses and repeats nothing, however often it happens.

mod ahead;
mod asking;
mod audit;
mod continuity;
mod feed;
mod last_sequences;
mod meter;
mod page_size;
mod process;
mod reaction;
mod reader;
mod recent;
mod subscription;
mod tail;
mod waiter;

pub use audit::{
    Audit, AuditJob, AuditProgress, AuditSettings, AuditStatus, AuditedEffects, AuditedPartition,
    Auditor, Finding, Unproven,
};
pub use feed::Feed;
pub use meter::describe_metrics;
pub use process::{Alarm, Alarms, Managed};
pub use reaction::{
    AtLeastOnce, BackOff, Enrolled, ExactlyOnce, Failure, FailurePolicy, PieceState, PieceStatus,
    Projector, ReactionSettings, Reactions, SagaReaction, Then, Widened,
};
pub use subscription::{Batch, Subscription};
pub use waiter::Waiter;
