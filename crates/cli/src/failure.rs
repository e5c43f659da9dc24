//! Failures, for people and for programs.

use std::fmt::Display;

use serde_json::{Value, json};
use seriatim::OpenStoreError;
use seriatim_core::{
    Decider, Fault, FieldViolation, OperatorError, QueryError, SequenceConflict, StoreErrorKind,
    StreamId, SubmitError, SubscribeError, VersionError,
};
use seriatim_proto::CallError;
use seriatim_security::Unauthenticated;

use crate::exit::Exit;
use crate::output::lines::Lines;
use crate::output::{json as as_json, text as as_text};

/// One sentence, the next step, and the details.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) next: Option<String>,
    /// The details, for programs.
    pub(crate) details: Value,
    /// The details, for people, below the sentence.
    pub(crate) more: Lines,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            next: None,
            details: Value::Null,
            more: Lines::default(),
        }
    }

    pub(crate) fn with_next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// Returns the failure of a command or a fact for `stream` that was not accepted.
    pub(crate) fn of_submit_call(error: &CallError<SubmitError>, stream: &StreamId) -> Self {
        match error {
            CallError::Refused(error) => Self::of_submit(error, stream),
            trouble => Self::of_trouble(trouble, SEND_AGAIN),
        }
    }

    /// Returns the failure of a question.
    pub(crate) fn of_query_call(error: &CallError<QueryError>) -> Self {
        match error {
            CallError::Refused(error) => Self::of_query(error),
            trouble => Self::of_trouble(trouble, "ask again"),
        }
    }

    /// Returns the failure of a subscription.
    pub(crate) fn of_subscribe_call(error: &CallError<SubscribeError>) -> Self {
        match error {
            CallError::Refused(error) => Self::of_subscribe(error),
            trouble => Self::of_trouble(trouble, "ask again"),
        }
    }

    /// Returns the failure of a store that does not open. Its own message already names the next step.
    pub(crate) fn of_open(error: &OpenStoreError) -> Self {
        let exit = match (error.is_damage(), error.is_transient()) {
            (true, _) => Exit::Damaged,
            (_, true) => Exit::Unavailable,
            (_, false) => Exit::Invalid,
        };
        Self::new(exit, error.to_string())
    }

    /// Returns the failure of a request about a component.
    pub(crate) fn of_operator_call(error: &CallError<OperatorError>) -> Self {
        match error {
            CallError::Refused(error) => Self::of_operator(error),
            trouble => Self::of_trouble(trouble, "look at what it shows now, and ask again"),
        }
    }

    /// Returns the failure of a request about a version of a read model.
    pub(crate) fn of_version_call(error: &CallError<VersionError>) -> Self {
        match error {
            CallError::Refused(error) => Self::of_version(error),
            trouble => Self::of_trouble(trouble, "look at what there is, and ask again"),
        }
    }

    /// Returns the failure of a call that did not reach its end.
    fn of_trouble<E: Display>(error: &CallError<E>, again: &str) -> Self {
        let (exit, next) = match error {
            CallError::Unreachable(_) | CallError::TimedOut => (Exit::Unavailable, again),
            CallError::NotSent => (Exit::Unavailable, "send it again"),
            // It says itself what to do.
            CallError::Tls(_) => return Self::new(Exit::Unavailable, error.to_string()),
            CallError::Invalid(_) => (Exit::Invalid, "correct it"),
            CallError::Unauthenticated(Unauthenticated::Unavailable) => (Exit::Unavailable, again),
            CallError::Unauthenticated(_) => (
                Exit::Denied,
                "give a token with `--token @FILE` or SERIATIM_TOKEN",
            ),
            CallError::Denied(_) | CallError::Barred(_) => {
                (Exit::Denied, "ask those who run the server")
            }
            CallError::Refused(_) | CallError::Foreign(_) | CallError::Garbled(_) => (
                Exit::Unexpected,
                "make sure that this program and the server are of the same version",
            ),
        };
        Self::new(exit, error.to_string()).with_next(next)
    }

    fn of_submit(error: &SubmitError, stream: &StreamId) -> Self {
        let failure = |exit| Self::new(exit, error.to_string());
        match error {
            SubmitError::Invalid(violations) => failure(Exit::Invalid)
                .with_next(where_to_look(violations, stream))
                .with_details(as_json::violations(violations)),
            SubmitError::UnknownDomain { known, .. } => failure(Exit::NotFound)
                .with_next("see what they take with `seriatim domains`")
                .with_details(json!({ "known": known })),
            SubmitError::Conflict(conflict) => Self::of_conflict(conflict),
            SubmitError::BeyondCurrent { conflict, .. } => failure(Exit::Invalid)
                .with_next(format!("look at it with `seriatim state {stream}`"))
                .with_details(as_json::conflict(conflict)),
            SubmitError::Contended { attempts, .. } => failure(Exit::Conflict)
                .with_next("send the same again")
                .with_details(json!({ "attempts": attempts })),
            SubmitError::Rejected(rejected) => {
                Self::new(Exit::Rejected, as_text::rejection(rejected))
                    .with_next(format!(
                        "look at what stands against it with `seriatim state {stream}`"
                    ))
                    .with_details(as_json::rejected(rejected))
            }
            SubmitError::ExternalIdReused { first, .. } => failure(Exit::Invalid)
                .with_next(format!(
                    "see what it stands for with `seriatim events {stream}`"
                ))
                .with_details(json!({ "first_result": as_json::first_result(first) })),
            SubmitError::EffectNotAccepted { .. } => {
                failure(Exit::Denied).with_next("ask those who run the server")
            }
            SubmitError::Overloaded { .. }
            | SubmitError::Unavailable { .. }
            | SubmitError::ShuttingDown => failure(Exit::Unavailable).with_next(SEND_AGAIN),
            SubmitError::StoreFailed(_) => failure(Exit::Unexpected).with_next(CALL_THE_OPERATORS),
            SubmitError::StreamFull { .. } => failure(Exit::Invalid)
                .with_next(format!("begin a new one with {}/new", stream.domain)),
            SubmitError::Broken { fault, .. } => failure(Exit::Unexpected)
                .with_next(CALL_THE_DEVELOPERS)
                .with_details(fault_details(fault)),
        }
    }

    fn of_conflict(conflict: &SequenceConflict) -> Self {
        let expected = conflict.conflict.expected.believed().flatten();
        let from = expected.map_or(0, |sequence| sequence.0.saturating_add(1));
        let current = conflict
            .conflict
            .current
            .map_or("none".to_owned(), |current| current.to_string());
        let mut failure = Self::new(Exit::Conflict, conflict.to_string())
            .with_next(format!(
                "see what changed with `seriatim events {} --from {from}`, decide anew, and send it with --expect {current}",
                conflict.stream
            ))
            .with_details(as_json::sequence_conflict(conflict));
        failure.more = as_text::conflict_details(conflict);
        failure
    }

    fn of_query(error: &QueryError) -> Self {
        let failure = |exit| Self::new(exit, error.to_string());
        match error {
            QueryError::UnknownDomain { known, .. } => failure(Exit::NotFound)
                .with_next("list them with `seriatim domains`")
                .with_details(json!({ "known": known })),
            QueryError::BeyondCurrent {
                current, stream, ..
            } => failure(Exit::Invalid)
                .with_next(format!(
                    "look at what there is with `seriatim events {stream}`"
                ))
                .with_details(json!({ "current": current })),
            QueryError::UnknownField { stream, known, .. } => failure(Exit::NotFound)
                .with_next(format!("look at the state with `seriatim state {stream}`"))
                .with_details(json!({ "known": known })),
            QueryError::UnknownLetter { .. } => {
                failure(Exit::NotFound).with_next("list them with `seriatim dead-letters list`")
            }
            QueryError::Unavailable { .. } => failure(Exit::Unavailable).with_next("ask again"),
            QueryError::StoreFailed(_) => failure(Exit::Unexpected).with_next(CALL_THE_OPERATORS),
            QueryError::Broken { fault, .. } => failure(Exit::Unexpected)
                .with_next(CALL_THE_DEVELOPERS)
                .with_details(fault_details(fault)),
        }
    }

    fn of_operator(error: &OperatorError) -> Self {
        let failure = |exit| Self::new(exit, error.to_string());
        match error {
            OperatorError::UnknownComponent { known, .. } => failure(Exit::NotFound)
                .with_next("list them with `seriatim reactions list`")
                .with_details(json!({ "known": known })),
            OperatorError::UnknownToken { .. } => {
                failure(Exit::NotFound).with_next("list them with `seriatim tokens list`")
            }
            OperatorError::UnknownJob { .. } => {
                failure(Exit::NotFound).with_next("list them with `seriatim jobs list`")
            }
            OperatorError::JobOver { id, status } => failure(Exit::Conflict)
                .with_next(format!("see what it did with `seriatim jobs results {id}`"))
                .with_details(json!({ "status": status })),
            OperatorError::Closed { id, status, by } => failure(Exit::Conflict)
                .with_next(format!(
                    "see who did that with `seriatim dead-letters show {id}`"
                ))
                .with_details(json!({ "status": status, "by": decider(by.as_ref()) })),
            OperatorError::Decided { id, by } => failure(Exit::Conflict)
                .with_next(format!(
                    "see what was decided with `seriatim dead-letters show {id}`"
                ))
                .with_details(json!({ "by": decider(by.as_ref()) })),
            OperatorError::Moved { id, conflict, .. } => failure(Exit::Conflict)
                .with_next(format!(
                    "look at it with `seriatim dead-letters show {id}`, and give the sequence that you see with --expect"
                ))
                .with_details(as_json::conflict(conflict)),
            OperatorError::Assigned { id, .. } => failure(Exit::Conflict).with_next(format!(
                "see with `seriatim dead-letters show {id}` who looks after it, and why"
            )),
            OperatorError::OnlyOfCommands { id, .. } => failure(Exit::Invalid).with_next(format!(
                "look at it with `seriatim dead-letters show {id}`"
            )),
            OperatorError::NoReason => failure(Exit::Invalid).with_next("say why with --reason"),
            OperatorError::ReadModel { .. } => failure(Exit::Invalid)
                .with_next("list the versions with `seriatim read-models list`"),
            OperatorError::Place(_) => failure(Exit::Invalid)
                .with_next("give `first`, `now`, a time, or a cursor that came from this log"),
            OperatorError::Query(error) => Self::of_query(error),
            OperatorError::Submit(error) => Self::of_parked(error),
        }
    }

    /// Returns the failure of the command of a letter.
    fn of_parked(error: &SubmitError) -> Self {
        let failure = |exit| Self::new(exit, error.to_string());
        match error {
            SubmitError::Rejected(_) => failure(Exit::Rejected),
            SubmitError::Conflict(_) | SubmitError::Contended { .. } => {
                failure(Exit::Conflict).with_next("look at the letter, and ask again")
            }
            SubmitError::UnknownDomain { known, .. } => {
                failure(Exit::NotFound).with_details(json!({ "known": known }))
            }
            SubmitError::EffectNotAccepted { .. } => failure(Exit::Denied),
            SubmitError::Invalid(violations) => {
                failure(Exit::Invalid).with_details(as_json::violations(violations))
            }
            SubmitError::BeyondCurrent { .. }
            | SubmitError::ExternalIdReused { .. }
            | SubmitError::StreamFull { .. } => failure(Exit::Invalid),
            SubmitError::Overloaded { .. }
            | SubmitError::Unavailable { .. }
            | SubmitError::ShuttingDown => failure(Exit::Unavailable).with_next("ask again"),
            SubmitError::StoreFailed(_) => failure(Exit::Unexpected).with_next(CALL_THE_OPERATORS),
            SubmitError::Broken { fault, .. } => failure(Exit::Unexpected)
                .with_next(CALL_THE_DEVELOPERS)
                .with_details(fault_details(fault)),
        }
    }

    fn of_version(error: &VersionError) -> Self {
        let failure = |exit| Self::new(exit, error.to_string());
        let list = "list them with `seriatim read-models list`";
        match error {
            VersionError::UnknownModel { known, .. } => failure(Exit::NotFound)
                .with_next(list)
                .with_details(json!({ "known": known })),
            VersionError::Unknown { known, .. } => failure(Exit::NotFound)
                .with_next(list)
                .with_details(json!({ "known": known })),
            VersionError::UnknownTable { known, .. } => failure(Exit::NotFound)
                .with_next("leave out --table to compare all")
                .with_details(json!({ "known": known })),
            VersionError::Behind {
                version,
                partition,
                position,
                live,
            } => failure(Exit::Unavailable)
                .with_next(format!(
                    "watch it with `seriatim read-models progress {}`, and ask again",
                    version.component()
                ))
                .with_details(
                    json!({ "partition": partition.0, "position": position, "live": live }),
                ),
            VersionError::Parked { version, streams } => failure(Exit::Invalid)
                .with_next(format!(
                    "see what failed with `seriatim dead-letters list --component {}`",
                    version.component()
                ))
                .with_details(json!({ "streams": streams })),
            VersionError::Live { .. } => failure(Exit::Invalid)
                .with_next("switch to another one with `seriatim read-models switch`"),
            VersionError::TableTaken(_) => {
                failure(Exit::Invalid).with_next("build a new version whose table has another name")
            }
            VersionError::Query { .. } => failure(Exit::Invalid)
                .with_next("name a table, and columns that both have, with --table and --column"),
            VersionError::Store(error) => of_store(failure, error.kind),
        }
    }

    fn of_subscribe(error: &SubscribeError) -> Self {
        let failure = |exit| Self::new(exit, error.to_string());
        match error {
            SubscribeError::Store(error) => of_store(failure, error.kind),
            SubscribeError::OtherPartitions { .. } => {
                failure(Exit::Invalid).with_next("give the cursor that came with an event")
            }
            SubscribeError::Replaced(_) => {
                failure(Exit::Invalid).with_next("see what there is with --from first")
            }
            SubscribeError::PositionMissing { .. } | SubscribeError::SequenceMissing { .. } => {
                failure(Exit::Unexpected).with_next(CALL_THE_OPERATORS)
            }
        }
    }
}

/// Returns where a sender can see what would be right.
fn where_to_look(violations: &[FieldViolation], stream: &StreamId) -> String {
    let concerns = |field: &str| {
        let mut fields = violations.iter().map(|violation| violation.field.as_str());
        fields.any(|name| name.starts_with(field))
    };
    let mut places = Vec::new();
    if concerns("wait_for.components") {
        places.push("`seriatim reactions list` lists the components".to_owned());
    }
    if concerns("premises") {
        places.push(format!(
            "`seriatim state {stream}` shows the fields of the state"
        ));
    }
    if concerns("pages") {
        places.push("`seriatim domains` lists the types".to_owned());
    }
    let places = places.join(", ");
    match places.is_empty() {
        true => "correct it and send it again".into(),
        false => format!("correct it and send it again; {places}"),
    }
}

const SEND_AGAIN: &str =
    "send the same again; with --external-id it is done once, however often it is sent";
const CALL_THE_OPERATORS: &str = "show this to those who run the server";
const CALL_THE_DEVELOPERS: &str = "show this to those who wrote the domain";

/// Returns the failure of the server's store.
fn of_store(failure: impl Fn(Exit) -> Failure, kind: StoreErrorKind) -> Failure {
    match kind.is_transient() {
        true => failure(Exit::Unavailable).with_next("ask again"),
        false => failure(Exit::Unexpected).with_next(CALL_THE_OPERATORS),
    }
}

fn decider(by: Option<&Decider>) -> Value {
    by.map_or(Value::Null, |by| json!({ "actor": by.actor, "at": by.at }))
}

fn fault_details(fault: &Fault) -> Value {
    json!({ "fault": fault.to_string() })
}
