//! The vocabulary, the pure rules and the seams of Seriatim. No I/O and no runtime.
//!
//! Applications depend on the crate `seriatim`, which re-exports what they need from here.

// In reading order: what things are called, what users write, the rules, the seams.
mod stream;
mod sequence;
mod position;
mod log_partition;
mod bookmark;
mod cursor;
mod begin;
mod timestamp;
mod printable;
mod known;
mod payload;
mod metadata;
mod event;
mod event_filter;
mod message;
pub mod codec;

mod aggregate;
mod fold;
mod panic_message;
mod shape;
pub mod merge;
mod field_path;
mod tree;
mod premises;

mod command;
mod limits;
mod content_hash;
mod receipt;
mod submit_error;
mod conflict;
mod dead_letter;
mod effect;
mod claim_key;
mod saga;
mod process;
mod gateway;
mod view;

mod resequencer;
mod subscribe_error;
mod cause;
mod component;
mod assignment;
mod reaction_letter;
mod lease;
mod update;
mod checkpoint;
mod operator;
mod accountable;
mod desk;
mod reaction;
mod timer;
mod waiting;
mod read_model;
mod read_model_version;
mod read_model_progress;
mod comparison;
mod read_model_store;
mod version_rules;
mod snapshot;
mod schema;
mod scope;
mod append;
mod store;
mod log;
pub mod reading;

pub use accountable::{Accountable, Asked};
pub use aggregate::{Aggregate, Fact, Merge, Overlap, Prepare, PrepareError, SnapshotPolicy};
pub use append::{
    Append, AppendError, AppendOutcome, BrokenChains, COMMIT_APPENDS, Claim, ClaimRecord,
    KeyedClaim, Part, StreamWrite, Write,
};
pub use assignment::{Assignment, Owner};
pub use begin::Begin;
pub use bookmark::{Bookmark, LogId, LogReplaced};
pub use cause::cause;
pub use checkpoint::{Checkpoint, CheckpointStore, Hold, Taking, Tenure};
pub use claim_key::ClaimKey;
pub use command::{CommandRequest, FactRequest, NewFact, decode_command};
pub use comparison::{CompareTables, ComparedTables, Comparison, ComparisonQuery};
pub use component::{Component, InvalidComponent, Share, Work};
pub use conflict::{ConflictReason, Fault, SequenceConflict};
pub use content_hash::ContentHash;
pub use cursor::{Cursor, InvalidCursor};
pub use dead_letter::{
    Attempt, CommandLetter, DeadLetter, InvalidLetterStatus, LetterFilter, LetterKind,
    LetterStatus, ParkReason,
};
pub use desk::{Decision, Desk, Drawer, GivenUp, OpenLetter, Verb};
pub use effect::{
    CommandEffect, Effect, EffectError, EffectFault, EffectId, Effects, FactEffect, RecordedFact,
    SentCommand, is_actor_of_reactions,
};
pub use event::{NewEvent, RecordedEvent};
pub use event_filter::EventFilter;
pub use field_path::{FieldPath, InvalidFieldPath};
pub use fold::{decide_all, decide_each, fold};
pub use gateway::CommandGateway;
pub use lease::{LONGEST_LEASE, lease_end, lease_runs};
pub use limits::Limits;
pub use log::Log;
pub use log_partition::LogPartition;
pub use merge::{InvalidMergeStrategy, MergeStrategy};
pub use message::{Command, DecodeError, EncodeError, Event, Message, Never, Rejection};
pub use metadata::{FactOrigin, Metadata};
pub use operator::{OperatorError, Progress};
pub use panic_message::panic_message;
pub use payload::{Codec, Payload};
pub use position::Position;
pub use premises::{PremiseFault, changed_premises};
pub use printable::printable;
pub use process::{
    Dispatch, Plan, Planned, Process, ProcessCommand, ProcessEvent, ProcessManager, StuckTimer,
    TimerChange, Trigger,
};
pub use reaction::{Reaction, ReactionError, Step};
pub use reaction_letter::{LetterDecision, ReactionLetter};
pub use read_model::ReadModel;
pub use read_model_progress::{ReadModelOverview, ReadModelProgress};
pub use read_model_store::{
    ReadModelStore, RegisterError, TableGone, TableTaken, VersionError, VersionStore,
};
pub use read_model_version::{
    InvalidReadModelName, ReadModelTables, ReadModelVersion, UnknownStanding, VersionStanding,
    VersionStatus,
};
pub use receipt::{Commit, FirstResult, Outcome, Receipt};
pub use resequencer::{Gap, Offered, Resequencer};
pub use saga::{RejectedEffect, Saga};
pub use schema::{Migration, OtherSchema, SchemaChange};
pub use scope::Scope;
pub use sequence::{
    Conflict, ExpectedSequence, InvalidExpectation, Mismatch, Sequence, StreamFull,
};
pub use shape::Shapes;
pub use snapshot::{Fingerprint, Snapshot, SnapshotError};
pub use store::{
    DeadLetterStore, EventStore, Load, Loaded, LogPage, SnapshotStore, Store, StoreError,
    StoreErrorKind, StreamSummary,
};
pub use stream::{Domain, InvalidDomain, InvalidStreamId, StreamId};
pub use submit_error::{FieldViolation, Rejected, SubmitError, Unavailable, WhyNotAccepted};
pub use subscribe_error::SubscribeError;
pub use timer::{ClearedTimer, NewTimer, Overdue, Timer, TimerStore};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use tree::{Shape, Tree};
pub use update::{Advance, Update};
pub use view::{At, QueryError, Simulated, Simulation, StateView, ThreeWay};
pub use waiting::{NotHandled, WaitFor, WhyNotHandled};
