//! Event sourcing for Rust whose merges are correct.
//!
//! You write an aggregate: two pure functions, [`decide`](Aggregate::decide) and [`evolve`](Aggregate::evolve).
//! Seriatim gives every event its place in order, and tells two writers who collide what to do about it.
//!
//! ```
//! use seriatim::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
//! enum Happened {
//!     Added { count: u32 },
//! }
//!
//! #[derive(Command, Serialize, Deserialize, Clone, Debug)]
//! enum Do {
//!     Add { count: u32 },
//! }
//!
//! #[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
//! struct Counter {
//!     total: u64,
//! }
//!
//! impl Aggregate for Counter {
//!     const DOMAIN: &'static str = "counter";
//!     type Command = Do;
//!     type Event = Happened;
//!     type Rejection = Never;
//!
//!     fn decide(&self, Do::Add { count }: &Do) -> Result<Vec<Happened>, Never> {
//!         Ok(vec![Happened::Added { count: *count }])
//!     }
//!
//!     fn evolve(&mut self, Happened::Added { count }: &Happened) {
//!         self.total += u64::from(*count);
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), AnyError> {
//! let app = App::open("memory:").await?.aggregate::<Counter>().start().await?;
//! let counter = app.of::<Counter>(Uuid::now_v7());
//! counter.send(Do::Add { count: 2 }).expecting(NoStream).await?;
//!
//! // Somebody else adds; we still believe that sequence 0 is current. Additions commute, so this is merged.
//! counter.send(Do::Add { count: 3 }).await?;
//! let receipt = counter.send(Do::Add { count: 5 }).expecting(0).await?;
//! assert_eq!(receipt.sequences(), Some((Sequence(2), Sequence(2))));
//!
//! // Where nothing may be merged, the answer says what happened meanwhile.
//! let refused = counter.send(Do::Add { count: 1 }).expecting(0).merge(Strict).await;
//! assert!(matches!(refused, Err(SubmitError::Conflict(conflict)) if conflict.intervening.len() == 2));
//!
//! assert_eq!(counter.state().await?.state.total, 10);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//! - `sqlite` (default): the embedded store, `sqlite://file.db`.
//! - `postgres`: the store for several processes, `postgres://host/database`.
//! - `sqlite-read-models`: [`ReadModel`]s on SQLite; those on PostgreSQL come with `postgres`.
//! - `server` (default): the gRPC server, [`AppBuilder::listen`], and [`Client`] for it.
//! - `security`: who callers are and what they may do, and [`token_desk`] for API tokens without a server; `server` has
//!   it too.
//! - `pages`: [`App::serve_pages`], pages over HTTP.
//! - `live`: [`App::live`], streams in browsers over WebSockets; it has `pages` too.
//! - `console`: [`App::console`], a console in the browser; it has `pages` too.
//! - `testkit`: given/when/then and the commutativity check, as `seriatim::testkit`.

mod aggregate_ref;
mod any_error;
mod app;
mod app_builder;
#[cfg(feature = "console")]
mod console;
mod beginnings;
mod audit;
#[cfg(feature = "server")]
mod doors;
#[cfg(doctest)]
mod guide;
#[cfg(feature = "server")]
mod listen;
#[cfg(feature = "live")]
mod live;
#[cfg(feature = "pages")]
mod pages;
mod jobs;
mod memory;
mod open;
mod send;
#[cfg(any(feature = "postgres", feature = "sqlite-read-models"))]
mod table_sql;
#[cfg(feature = "security")]
mod tokens;
mod waiting;
pub mod prelude;

pub use aggregate_ref::{AggregateRef, Standing};
pub use any_error::AnyError;
pub use app::App;
#[cfg(feature = "server")]
pub use app::RunError;
pub use app_builder::{AppBuilder, StartAppError};
pub use audit::audit;
/// The router of the pages that an application serves.
#[cfg(feature = "pages")]
pub use axum;
#[cfg(feature = "server")]
pub use listen::OpenDoor;
pub use open::{OpenStoreError, migrate, open_store, open_store_to_read, pending_migrations};
pub use send::{RecordFact, SendCommand};
/// Who callers are, what they may do, and TLS.
#[cfg(feature = "security")]
pub use seriatim_security as security;
#[cfg(any(feature = "postgres", feature = "sqlite-read-models"))]
pub use table_sql::TableSql;
#[cfg(feature = "security")]
pub use tokens::token_desk;
pub use waiting::{WaitError, Waiting};

pub use seriatim_coordinator::{Coordinator, Settings};
pub use seriatim_core as core;
pub use seriatim_core::{
    Aggregate, At, Begin, Command, CommandEffect, CommandLetter, CommandRequest, Commit,
    CompareTables, ComparedTables, Comparison, Component, Conflict, ConflictReason, Cursor,
    DeadLetter, Decision, DecodeError, Desk, Domain, Effect, EffectId, Effects, Event, EventFilter,
    ExpectedSequence, Fact, FactEffect, FactOrigin, FactRequest, FieldPath, FieldViolation,
    FirstResult, GivenUp, LetterFilter, LetterKind, LetterStatus, Limits, LogPartition, Merge,
    MergeStrategy, Message, Metadata, Never, NewFact, NotHandled, OpenLetter, OperatorError,
    Outcome, Overlap, Payload, Plan, Position, Prepare, PrepareError, Process, ProcessManager,
    Progress, QueryError, ReactionLetter, ReadModel, ReadModelOverview, ReadModelProgress,
    ReadModelStore, ReadModelTables, ReadModelVersion, Receipt, RecordedEvent, RegisterError,
    Rejected, RejectedEffect, Rejection, Saga, Sequence, SequenceConflict, Simulated, Simulation,
    SnapshotPolicy, StateView, Store, StoreError, StoreErrorKind, StreamId, StreamSummary,
    SubmitError, SubscribeError, ThreeWay, Timestamp, Trigger, Verb, VersionError, VersionStanding,
    VersionStatus, VersionStore, WaitFor, WhyNotHandled, printable,
};
pub use seriatim_derive::{Command, Event, Rejection};
/// Tells the recorder of a program of its own what each metric means.
#[cfg(feature = "server")]
pub use seriatim_server::{ServerSettings, describe_metrics};

/// Streams in browsers over WebSockets.
#[cfg(feature = "live")]
pub use seriatim_live::{
    Live, LiveBuilder, LiveSettings, NoRequests, Room, Sent, SharePresence, Shown, StartLiveError,
};
/// Calls the gRPC server of a running application.
#[cfg(feature = "server")]
pub use seriatim_proto::{
    CallError, Client, ConnectError, ConnectOptions, Connection, InvalidToken, RemoteBatch,
    RemoteGateway, RemoteSubscription, TokenInClear,
};
pub use seriatim_runtime::{
    AtLeastOnce, Audit, AuditProgress, AuditSettings, AuditStatus, AuditedEffects,
    AuditedPartition, BackOff, Batch, Enrolled, ExactlyOnce, Failure, FailurePolicy, Finding,
    PieceState, PieceStatus, Projector, ReactionSettings, Reactions, SagaReaction, Subscription,
    Then, Unproven,
};
/// What messages look like, and protobuf messages as JSON.
pub use seriatim_schema::{
    Descriptors, DomainSchema, Field, InvalidDescriptors, MessageSchema, Outline, Payloads, outline,
};
/// The store on PostgreSQL by itself, for read models.
#[cfg(feature = "postgres")]
pub use seriatim_store_postgres::PostgresStore;
/// The driver that read models are written with.
#[cfg(feature = "postgres")]
pub use seriatim_store_postgres::sqlx;
/// The store on SQLite by itself, for read models.
#[cfg(feature = "sqlite")]
pub use seriatim_store_sqlite::SqliteStore;
/// The driver that read models are written with.
#[cfg(all(feature = "sqlite-read-models", not(feature = "postgres")))]
pub use seriatim_store_sqlite::sqlx;
#[cfg(feature = "testkit")]
pub use seriatim_testkit as testkit;
