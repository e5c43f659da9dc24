//! What nearly every application needs: `use seriatim::prelude::*;`

pub use seriatim_core::ExpectedSequence::{Any, Exactly, NoStream};
pub use seriatim_core::MergeStrategy::{AggregateHandles, Commutative, Manual, Strict};
pub use seriatim_core::{
    Aggregate, At, Command, Effects, Event, ExpectedSequence, Fact, Merge, MergeStrategy, Never,
    Outcome, Overlap, Plan, ProcessManager, Receipt, RecordedEvent, RejectedEffect, Rejection,
    Saga, Sequence, SnapshotPolicy, SubmitError, Trigger,
};
pub use seriatim_derive::{Command, Event, Rejection};
pub use uuid::Uuid;

pub use crate::{AnyError, App};
