//! The names that nearly every application needs: `use seriatim::prelude::*;`

pub use seriatim_core::ExpectedSequence::{Any, Exactly, NoStream};
pub use seriatim_core::MergeStrategy::{AggregateHandles, Commutative, Manual, Strict};
pub use seriatim_core::{
    Aggregate, At, Command, DecodeError, Domain, Effects, Event, EventFilter, ExpectedSequence,
    Fact, Merge, MergeStrategy, Never, Outcome, Overlap, Plan, ProcessManager, ReadModel,
    ReadModelTables, Receipt, RecordedEvent, RejectedEffect, Rejection, Saga, Sequence,
    SnapshotPolicy, StreamId, SubmitError, Trigger,
};
pub use seriatim_derive::{Command, Event, Rejection};
pub use uuid::Uuid;

#[cfg(any(feature = "postgres", feature = "sqlite-read-models"))]
pub use crate::TableSql;
pub use crate::{AnyError, App, Projector};
