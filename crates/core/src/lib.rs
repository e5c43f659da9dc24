//! Contains the vocabulary, the pure rules and the seams of Seriatim. It has no I/O and no runtime.
//!
//! Applications depend on the crate `seriatim`, which re-exports what they need from here.

// The modules are in reading order: the vocabulary, the traits that users implement, the rules, the seams.
mod events;
mod positions;
mod text;
pub mod codec;

mod aggregates;
pub mod merge;
mod tree;
mod requests;
mod letters;
mod tokens;
mod operations;
mod reactions;

mod progress;
mod read_models;
mod store;

pub use aggregates::aggregate::{
    Aggregate, Fact, Merge, Overlap, Prepare, PrepareError, SnapshotPolicy,
};
pub use aggregates::field_path::{FieldPath, InvalidFieldPath};
pub use aggregates::fold::{decide_all, decide_each, fold};
pub use aggregates::panic_message::panic_message;
pub use aggregates::premises::{PremiseFault, changed_premises};
pub use codec::unknown::{UnknownField, UnknownFieldRule, UnknownFields, unknown_fields};
pub use events::event::{NewEvent, RecordedEvent};
pub use events::event_filter::EventFilter;
pub use events::message::{Command, DecodeError, EncodeError, Event, Message, Never, Rejection};
pub use events::metadata::{FactOrigin, Metadata};
pub use events::payload::{Codec, Payload};
pub use events::sequence::{
    Conflict, ExpectedSequence, InvalidExpectation, Mismatch, Sequence, StreamFull,
};
pub use events::shape::Shapes;
pub use events::stream::{Domain, InvalidDomain, InvalidStreamId, OWN_DOMAINS, StreamId};
pub use events::timestamp::{InvalidTimestamp, Timestamp};
pub use events::workflow::WorkflowPage;
pub use letters::annotation::{
    Annotate, Annotated, Annotation, AnnotationStore, Assignee, ListedLetter, assignee,
};
pub use letters::dead_letter::{
    Attempt, CommandLetter, DeadLetter, Decider, InvalidLetterStatus, LetterFilter, LetterKind,
    LetterStatus, ParkReason, Tried,
};
pub use letters::desk::{
    Action, Decision, Desk, GivenUp, HappenedAnyway, LetterSource, OnlyOfCommands, OpenLetter, Verb,
};
pub use letters::edited::{EditMistake, commands_to_edit, edited_commands};
pub use letters::fault::FaultGroup;
pub use letters::forecast::{Forecast, ForecastPage, LetterSimulation};
pub use letters::job::{
    JobCounts, JobOutcome, JobPart, JobPlan, JobRecord, JobResult, JobStatus, NewJob, ResultPlace,
};
pub use letters::operator::{OperatorError, Progress};
pub use letters::reaction_letter::{LetterDecision, ReactionLetter};
pub use merge::{InvalidMergeStrategy, MergeStrategy};
pub use operations::OperationRecord;
pub use positions::begin::Begin;
pub use positions::bookmark::{Bookmark, LogId, LogReplaced};
pub use positions::cursor::{Cursor, InvalidCursor};
pub use positions::log_partition::LogPartition;
pub use positions::position::Position;
pub use positions::resequencer::{Gap, Offered, Resequencer};
pub use positions::subscribe_error::SubscribeError;
pub use progress::assignment::{Assignment, Owner};
pub use progress::checkpoint::{Checkpoint, CheckpointStore, Hold, Taking, Tenure};
pub use progress::lease::{LONGEST_LEASE, lease_end, lease_runs};
pub use progress::scope::Scope;
pub use progress::timer::{ClearedTimer, NewTimer, Overdue, Timer, TimerStore};
pub use progress::update::{Advance, Update};
pub use reactions::accountable::{Accountable, Asked};
pub use reactions::component::{Component, InvalidComponent, Share, Work};
pub use reactions::process::{
    Dispatch, Plan, Planned, Process, ProcessCommand, ProcessEvent, ProcessManager, StuckTimer,
    TimerChange, Trigger,
};
pub use reactions::reaction::{Reaction, ReactionError, Step};
pub use reactions::saga::{RejectedEffect, Saga};
pub use read_models::comparison::{CompareTables, ComparedTables, Comparison, ComparisonQuery};
pub use read_models::read_model::ReadModel;
pub use read_models::read_model_progress::{ReadModelOverview, ReadModelProgress};
pub use read_models::read_model_store::{
    ReadModelStore, RegisterError, TableGone, TableTaken, VersionError, VersionStore,
};
pub use read_models::read_model_version::{
    InvalidReadModelName, ReadModelTables, ReadModelVersion, UnknownStanding, VersionStanding,
    VersionStatus,
};
pub use requests::changes::{Changes, ChangesQuery, EventChanges, FieldChange};
pub use requests::claim_key::ClaimKey;
pub use requests::command::{CommandRequest, FactRequest, NewFact, decode_command};
pub use requests::conflict::{ConflictReason, Fault, SequenceConflict};
pub use requests::content_hash::ContentHash;
pub use requests::effect::{
    CommandEffect, Effect, EffectError, EffectFault, EffectId, Effects, FactEffect, RecordedFact,
    SentCommand, is_actor_of_reactions,
};
pub use requests::gateway::CommandGateway;
pub use requests::limits::Limits;
pub use requests::receipt::{Commit, FirstResult, Outcome, Receipt};
pub use requests::submit_error::{
    FieldViolation, Rejected, SubmitError, Unavailable, WhyNotAccepted,
};
pub use requests::view::{At, QueryError, Simulated, Simulation, StateView, ThreeWay};
pub use requests::waiting::{NotHandled, WaitFor, WhyNotHandled};
pub use store::append::{
    Append, AppendError, AppendOutcome, BrokenChains, COMMIT_APPENDS, Claim, ClaimRecord,
    KeyedClaim, Part, StreamWrite, Write,
};
pub use store::log::Log;
pub use store::reading;
pub use store::schema::{Migration, OtherSchema, SchemaChange};
pub use store::seams::{
    DeadLetterStore, EventStore, Load, Loaded, LogPage, SnapshotStore, Store, StoreError,
    StoreErrorKind, StreamSummary,
};
pub use store::snapshot::{Fingerprint, Snapshot, SnapshotError};
pub use text::cause::cause;
pub use text::known::nearest;
pub use text::printable::printable;
pub use tokens::{NewToken, TokenRecord};
pub use tree::{Shape, Tree};
