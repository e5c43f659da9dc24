//! Contains values of everything that travels, one of each kind.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use seriatim_core::*;
use uuid::Uuid;

pub(crate) fn stream() -> StreamId {
    let root = Uuid::from_u128(0x0192_d3a4_5b6c_7d8e_9f00_1122_3344_5566);
    StreamId::new(Domain::new("order").unwrap(), root)
}

pub(crate) fn metadata() -> Metadata {
    Metadata {
        correlation_id: Some("checkout-7".into()),
        causation_id: Some(Uuid::from_u128(1)),
        external_id: Some("till-7/000123".into()),
        actor: Some("Zoë".into()),
        origin: Some(FactOrigin {
            source: "stripe".into(),
            description: "a payment".into(),
        }),
        sent_at: Some(Timestamp::from_micros(1_700_000_000_123_456)),
        depth: 7,
    }
}

pub(crate) fn event(sequence: u32) -> RecordedEvent {
    RecordedEvent {
        id: Uuid::from_u128(u128::from(sequence)),
        stream: stream(),
        sequence: Sequence(sequence),
        position: Position(u64::MAX - u64::from(sequence)),
        recorded_at: Timestamp::from_micros(-1),
        payload: Payload::json("Renamed", r#"{"name":"n","at":18446744073709551615}"#),
        metadata: Arc::new(metadata()),
    }
}

pub(crate) fn effect() -> EffectId {
    EffectId {
        component: Component::new("payments").unwrap(),
        source: stream(),
        sequence: Sequence(3),
        ordinal: 1,
    }
}

pub(crate) fn rejected_effect() -> RejectedEffect {
    RejectedEffect {
        effect: effect(),
        target: stream(),
        commands: command().commands,
        rejected: rejected(),
        metadata: Metadata {
            actor: None,
            sent_at: None,
            origin: None,
            ..metadata()
        },
    }
}

pub(crate) fn command() -> CommandRequest {
    CommandRequest {
        id: Uuid::from_u128(7),
        stream: stream(),
        commands: vec![
            Payload::json("Rename", r#"{"name":"n"}"#),
            Payload::protobuf("shop.v1.Ship", vec![8, 1]),
        ],
        expected: ExpectedSequence::Exactly(Sequence(4)),
        merge: Some(MergeStrategy::Commutative),
        premises: vec![
            "address.city".parse().unwrap(),
            "/prices/1.5".parse().unwrap(),
        ],
        metadata: Metadata {
            origin: None,
            ..metadata()
        },
        effect: Some(effect()),
    }
}

pub(crate) fn fact() -> FactRequest {
    let origin = |description: &str| FactOrigin {
        source: "stripe".into(),
        description: description.into(),
    };
    FactRequest {
        id: Uuid::from_u128(8),
        stream: stream(),
        facts: vec![
            NewFact {
                payload: Payload::json("Paid", r#"{"cents":5}"#),
                origin: origin("a payment"),
            },
            NewFact {
                payload: Payload::protobuf("shop.v1.Shipped", vec![]),
                origin: origin(""),
            },
        ],
        route_to_aggregate: Some(false),
        metadata: Metadata {
            origin: None,
            ..metadata()
        },
        effect: Some(effect()),
    }
}

pub(crate) fn paths() -> Vec<FieldPath> {
    vec!["name".parse().unwrap(), "items.sku-1".parse().unwrap()]
}

pub(crate) fn rejected() -> Rejected {
    Rejected {
        code: "InsufficientFunds".into(),
        message: "the account has only 5 cents".into(),
        fields: vec![
            ("balance".into(), json!(u64::MAX)),
            ("names".into(), json!(["a", null, {"b": 1.5}])),
        ],
    }
}

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        Fault::Undecodable {
            sequence: Sequence(3),
            why: "no such type".into(),
        },
        Fault::Unreadable {
            what: "command",
            why: "no such field".into(),
        },
        Fault::Unencodable {
            what: "state",
            field: Some("prices.tea".parse().unwrap()),
            why: "a map with keys that are no text".into(),
        },
        Fault::Panicked {
            function: "evolve",
            message: "index out of bounds".into(),
        },
    ]
}

pub(crate) fn reasons() -> Vec<ConflictReason> {
    let mut reasons = vec![
        ConflictReason::Strict,
        ConflictReason::MustNotExist,
        ConflictReason::DecisionDiffers {
            changed: paths(),
            then: vec![Payload::json("Taken", r#"{"cents":5}"#)],
            now: vec![Payload::protobuf("bank.v1.Taken", vec![8, 4])],
        },
        ConflictReason::PossibleNow {
            then: rejected().into(),
        },
        ConflictReason::OrderMatters { fields: paths() },
        ConflictReason::OrderMatters { fields: Vec::new() },
        ConflictReason::FieldsOverlap { overlap: paths() },
        ConflictReason::PremiseChanged { changed: paths() },
        ConflictReason::RejectedNow,
        ConflictReason::RejectedAtBoth,
        ConflictReason::TooMuchToCompare {
            behind: 200,
            state_bytes: 1 << 20,
            limit_bytes: 1 << 24,
        },
        ConflictReason::AggregateRefused,
        ConflictReason::TooFarBehind {
            behind: 1000,
            limit: 256,
        },
    ];
    let faults = faults().into_iter();
    reasons.extend(faults.map(|fault| ConflictReason::NotComparable { fault }));
    reasons
}

pub(crate) fn conflict(reason: ConflictReason) -> SequenceConflict {
    SequenceConflict {
        stream: stream(),
        conflict: Conflict {
            expected: ExpectedSequence::Exactly(Sequence(4)),
            current: Some(Sequence(6)),
        },
        strategy: MergeStrategy::Commutative,
        reason,
        intervening: vec![event(5), event(6)],
        intervening_total: 2,
        rejection: Some(rejected()),
    }
}

pub(crate) fn first_results() -> Vec<FirstResult> {
    vec![
        FirstResult::Committed {
            first: Sequence(0),
            last: Sequence(2),
            position: Position(9),
        },
        FirstResult::Unchanged { current: None },
        FirstResult::Unchanged {
            current: Some(Sequence(0)),
        },
        FirstResult::DeadLettered {
            id: Uuid::from_u128(11),
        },
        FirstResult::Rejected(Box::new(rejected())),
    ]
}

pub(crate) fn receipts() -> Vec<Receipt> {
    let mut outcomes = vec![
        Outcome::Committed(Commit {
            first: Sequence(5),
            last: Sequence(6),
            position: Position(77),
            merged: true,
            events: vec![event(5), event(6)],
        }),
        Outcome::Unchanged { current: None },
        Outcome::DeadLettered {
            id: Uuid::from_u128(12),
            reason: "two at once".into(),
        },
    ];
    outcomes.extend(first_results().into_iter().map(Outcome::Duplicate));
    let receipt = |outcome| Receipt {
        stream: stream(),
        correlation_id: "checkout-7".into(),
        outcome,
        warnings: Vec::new(),
    };
    outcomes.into_iter().map(receipt).collect()
}

pub(crate) fn state(sequence: Option<Sequence>) -> StateView {
    StateView {
        stream: stream(),
        sequence,
        state: r#"{"name": "n", "wei": 20000000000000000001, "items": [0.1]}"#.into(),
    }
}

pub(crate) fn simulated() -> Vec<Simulated> {
    let first = first_results().remove(0);
    vec![
        Simulated::Commits {
            events: command().commands,
            merged: true,
            after: state(Some(Sequence(6))),
        },
        Simulated::Unchanged,
        Simulated::Duplicate(first.clone()),
        Simulated::ExternalIdReused(first),
        Simulated::Rejected(rejected()),
        Simulated::Conflict(Box::new(conflict(ConflictReason::Strict))),
        Simulated::Parks(ParkReason::Manual),
        Simulated::Parks(ParkReason::Aggregate("two at once".into())),
    ]
}

pub(crate) fn letter(status: LetterStatus) -> CommandLetter {
    CommandLetter {
        id: Uuid::from_u128(13),
        request: command(),
        conflict: Conflict {
            expected: command().expected,
            current: Some(Sequence(6)),
        },
        intervening: Some((Sequence(5), Sequence(6))),
        base_hash: Some("ab".repeat(32)),
        reason: ParkReason::Aggregate("two at once".into()),
        parked_at: Timestamp::from_micros(5),
        attempts: vec![
            Attempt {
                at: Timestamp::from_micros(6),
                actor: Some("ann".into()),
                reason: None,
                result: "it still conflicts".into(),
                tried: None,
                closes: false,
            },
            Attempt {
                at: Timestamp::from_micros(7),
                actor: Some("ann".into()),
                reason: Some("another one".into()),
                result: "it is no better".into(),
                tried: Some(Tried::Edit {
                    commands: command().commands,
                }),
                closes: false,
            },
            Attempt {
                at: Timestamp::from_micros(8),
                actor: None,
                reason: None,
                result: "discarded".into(),
                tried: Some(Tried::Discard),
                closes: true,
            },
            Attempt {
                at: Timestamp::from_micros(9),
                actor: Some("ann".into()),
                reason: None,
                result: "too late".into(),
                tried: Some(Tried::Record {
                    facts: command().commands,
                    origin: FactOrigin {
                        source: "stripe".into(),
                        description: "paid in cash".into(),
                    },
                    external_id: "pay-1".into(),
                }),
                closes: false,
            },
        ],
        status,
    }
}

fn unavailable(source: Unavailable) -> SubmitError {
    SubmitError::Unavailable {
        retry_after: Duration::from_millis(250),
        source,
    }
}

pub(crate) fn store_error(kind: StoreErrorKind) -> StoreError {
    StoreError::new("append events", kind, "the disk said no")
}

/// Returns errors of commands and facts, every variant.
pub(crate) fn submit_errors() -> Vec<SubmitError> {
    let mut errors = vec![
        SubmitError::Invalid(vec![
            FieldViolation::new("cover.root", "15 bytes; a UUID has 16"),
            FieldViolation::new("pages", "the book is empty"),
        ]),
        SubmitError::UnknownDomain {
            domain: Domain::new("ordr").unwrap(),
            known: vec![
                Domain::new("account").unwrap(),
                Domain::new("order").unwrap(),
            ],
        },
        SubmitError::BeyondCurrent {
            stream: stream(),
            conflict: Conflict {
                expected: ExpectedSequence::Exactly(Sequence(9)),
                current: None,
            },
        },
        SubmitError::Contended {
            stream: stream(),
            attempts: 24,
        },
        SubmitError::Rejected(rejected()),
        SubmitError::Overloaded {
            retry_after: Duration::from_millis(100),
        },
        unavailable(Unavailable::Store(store_error(StoreErrorKind::Full))),
        unavailable(Unavailable::Prepare("no price today".into())),
        unavailable(Unavailable::Remote("the wire is cut".into())),
        SubmitError::StoreFailed(store_error(StoreErrorKind::Denied)),
        SubmitError::StoreFailed(store_error(StoreErrorKind::Refused)),
        SubmitError::StoreFailed(store_error(StoreErrorKind::Corrupt)),
        SubmitError::ShuttingDown,
        SubmitError::StreamFull {
            stream: stream(),
            source: StreamFull,
        },
    ];
    errors.extend(
        reasons()
            .into_iter()
            .map(|reason| SubmitError::Conflict(Box::new(conflict(reason)))),
    );
    errors.extend(
        first_results()
            .into_iter()
            .map(|first| SubmitError::ExternalIdReused {
                stream: stream(),
                external_id: "till-7/000123".into(),
                first,
            }),
    );
    errors.extend(
        [WhyNotAccepted::NoSuchEvent, WhyNotAccepted::OverTheWire].map(|why| {
            SubmitError::EffectNotAccepted {
                effect: effect(),
                why,
            }
        }),
    );
    errors.extend(faults().into_iter().map(|fault| SubmitError::Broken {
        stream: stream(),
        fault,
    }));
    errors
}

/// Returns errors of questions, every variant.
pub(crate) fn query_errors() -> Vec<QueryError> {
    let mut errors = vec![
        QueryError::UnknownDomain {
            domain: Domain::new("ordr").unwrap(),
            known: vec![Domain::new("order").unwrap()],
        },
        QueryError::BeyondCurrent {
            stream: stream(),
            asked: Sequence(7),
            current: Some(Sequence(6)),
        },
        QueryError::UnknownField {
            stream: stream(),
            field: "cuont".parse().unwrap(),
            known: vec!["count".parse().unwrap()],
        },
        QueryError::UnknownLetter {
            id: Uuid::from_u128(14),
        },
    ];
    let of_store = |kind| QueryError::of_store(store_error(kind), Duration::from_secs(2));
    errors.extend(StoreErrorKind::ALL.map(of_store));
    errors.extend(faults().into_iter().map(|fault| QueryError::Broken {
        stream: stream(),
        fault,
    }));
    errors
}

pub(crate) fn operator_errors() -> Vec<OperatorError> {
    let id = Uuid::from_u128(15);
    let mut errors = vec![
        OperatorError::UnknownComponent {
            component: Component::new("other").unwrap(),
            known: vec![Component::new("balances").unwrap()],
        },
        OperatorError::Closed {
            id,
            status: LetterStatus::Resolved,
            by: Some(Decider {
                actor: Some("Zoë".into()),
                at: Timestamp::from_micros(9),
            }),
        },
        OperatorError::Closed {
            id,
            status: LetterStatus::Discarded,
            by: Some(Decider {
                actor: None,
                at: Timestamp::from_micros(9),
            }),
        },
        OperatorError::UnknownToken { id },
        OperatorError::UnknownJob { id },
        OperatorError::JobOver {
            id,
            status: JobStatus::Cancelled,
        },
        OperatorError::Closed {
            id,
            status: LetterStatus::Discarded,
            by: None,
        },
        OperatorError::Decided { id, by: None },
        OperatorError::Decided {
            id,
            by: Some(Decider {
                actor: Some("Zoë".into()),
                at: Timestamp::from_micros(9),
            }),
        },
        OperatorError::Moved {
            id,
            stream: stream(),
            conflict: Conflict {
                expected: ExpectedSequence::Exactly(Sequence(4)),
                current: Some(Sequence(7)),
            },
        },
        OperatorError::Moved {
            id,
            stream: stream(),
            conflict: Conflict {
                expected: ExpectedSequence::NoStream,
                current: None,
            },
        },
        OperatorError::Assigned {
            id,
            to: Some("Zoë".into()),
            by: Some(Decider {
                actor: None,
                at: Timestamp::from_micros(1_700_000_000_000_001),
            }),
        },
        OperatorError::Assigned {
            id,
            to: None,
            by: None,
        },
        OperatorError::OnlyOfCommands {
            id,
            what: OnlyOfCommands::Expectation,
        },
        OperatorError::OnlyOfCommands {
            id,
            what: OnlyOfCommands::Edit,
        },
        OperatorError::OnlyOfCommands {
            id,
            what: OnlyOfCommands::Record,
        },
        OperatorError::NoReason,
        OperatorError::ReadModel {
            version: ReadModelVersion::new("balances", 2).unwrap(),
        },
    ];
    let places = subscribe_errors().into_iter().filter(|error| {
        use SubscribeError::{OtherPartitions, Replaced};
        matches!(error, OtherPartitions { .. } | Replaced(_))
    });
    errors.extend(places.map(OperatorError::Place));
    errors.extend(query_errors().into_iter().map(OperatorError::Query));
    // The others are read as errors of questions.
    let only_of_commands = submit_errors().into_iter().filter(|error| {
        use SubmitError::{Contended, ExternalIdReused, Rejected, StreamFull};
        matches!(
            error,
            Contended { .. } | ExternalIdReused { .. } | Rejected(_) | StreamFull { .. }
        )
    });
    errors.extend(only_of_commands.map(OperatorError::from));
    errors
}

pub(crate) fn given_up() -> ReactionLetter {
    ReactionLetter {
        id: Some(Uuid::from_u128(16)),
        work: Work {
            component: Component::new("printer").unwrap(),
            partition: LogPartition(1),
            share: Share::WHOLE,
        },
        stream: stream(),
        sequence: Sequence(4),
        failure: "no paper".into(),
        tries: 3,
        parked_at: Timestamp::from_micros(5),
        attempts: vec![
            Attempt {
                at: Timestamp::from_micros(6),
                actor: Some("Zoë".into()),
                reason: Some("there is paper now".into()),
                result: "no ink".into(),
                tried: Some(Tried::Resubmit),
                closes: false,
            },
            Attempt {
                at: Timestamp::from_micros(7),
                actor: None,
                reason: None,
                result: "no ink".into(),
                tried: None,
                closes: false,
            },
        ],
        decision: None,
        status: LetterStatus::Discarded,
        closed_at: Some(Timestamp::from_micros(10)),
    }
}

pub(crate) fn replaced() -> LogReplaced {
    let place = |log, event| Bookmark {
        log: Some(LogId(Uuid::from_u128(log))),
        position: Position(u64::MAX),
        event,
    };
    LogReplaced {
        partition: LogPartition(u16::MAX),
        expected: place(1, Some(Uuid::from_u128(11))),
        found: place(2, None),
    }
}

pub(crate) fn subscribe_errors() -> Vec<SubscribeError> {
    let store = StoreErrorKind::ALL.map(|kind| SubscribeError::Store(store_error(kind)));
    let mut errors = Vec::from(store);
    errors.extend([
        SubscribeError::OtherPartitions {
            given: 70_000,
            partitions: u16::MAX,
        },
        SubscribeError::Replaced(replaced()),
        SubscribeError::PositionMissing {
            partition: LogPartition(3),
            expected: Position(8),
            found: Position(10),
        },
        SubscribeError::SequenceMissing {
            stream: stream(),
            expected: u64::from(u32::MAX) + 1,
            found: Sequence::MAX,
            position: Position(9),
        },
    ]);
    errors
}
