//! Contains a small domain whose changes can commute, clash, depend on one another, and fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use seriatim_coordinator::{Coordinator, Settings};
use seriatim_core::{
    Aggregate, CommandGateway, CommandRequest, Domain, ExpectedSequence, Fact, FactOrigin,
    FactRequest, Merge, MergeStrategy, Message, Metadata, NewFact, Outcome, Payload, Receipt,
    RejectedEffect, Sequence, SnapshotPolicy, Store, StreamId, SubmitError,
};
use seriatim_derive::{Command, Event, Rejection};
use seriatim_store_memory::MemoryStore;
use uuid::Uuid;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
pub(crate) enum Happened {
    Opened,
    Added {
        count: i64,
    },
    Named {
        name: String,
    },
    Noted {
        note: String,
    },
    Tagged {
        tag: String,
    },
    Paid {
        cents: i64,
    },
    Flagged,
    /// An event on which `evolve` panics.
    Cursed,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[seriatim(crate = "seriatim_core")]
pub(crate) enum Do {
    Open,
    Add {
        count: i64,
    },
    Take {
        count: i64,
    },
    Name {
        name: String,
    },
    Note {
        note: String,
    },
    Tag {
        tag: String,
    },
    /// Gives no events.
    Nothing,
    /// Gives `n` events.
    AddMany {
        n: u32,
    },
    /// Gives an event that depends on the count.
    Double,
    /// `decide` panics.
    Panic,
    /// Gives an event on which `evolve` panics.
    Curse,
}

#[derive(Rejection, Debug)]
#[seriatim(crate = "seriatim_core")]
pub(crate) enum No {
    AlreadyOpen,
    TooFew { count: i64 },
}

impl std::fmt::Display for No {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AlreadyOpen => f.write_str("it is open already"),
            Self::TooFew { count } => write!(f, "there are only {count}"),
        }
    }
}

impl std::error::Error for No {}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cart {
    pub open: bool,
    pub count: i64,
    pub name: String,
    pub note: String,
    pub tags: BTreeSet<String>,
    pub paid: BTreeMap<String, i64>,
}

impl Aggregate for Cart {
    const DOMAIN: &'static str = "cart";
    const SNAPSHOTS: SnapshotPolicy = SnapshotPolicy::Every(10);
    type Command = Do;
    type Event = Happened;
    type Rejection = No;

    fn decide(&self, command: &Do) -> Result<Vec<Happened>, No> {
        Ok(match command.clone() {
            Do::Open if self.open => return Err(No::AlreadyOpen),
            Do::Open => vec![Happened::Opened],
            Do::Add { count } => vec![Happened::Added { count }],
            Do::Take { count } if count > self.count => {
                return Err(No::TooFew { count: self.count });
            }
            Do::Take { count } => vec![Happened::Added { count: -count }],
            Do::Name { name } => vec![Happened::Named { name }],
            Do::Note { note } => vec![Happened::Noted { note }],
            Do::Tag { tag } if self.tags.contains(&tag) => vec![],
            Do::Tag { tag } => vec![Happened::Tagged { tag }],
            Do::Nothing => vec![],
            Do::AddMany { n } => (0..n).map(|_| Happened::Added { count: 1 }).collect(),
            Do::Double => vec![Happened::Added { count: self.count }],
            Do::Panic => panic!("decide gave up"),
            Do::Curse => vec![Happened::Cursed],
        })
    }

    fn evolve(&mut self, event: &Happened) {
        match event.clone() {
            Happened::Opened => self.open = true,
            Happened::Added { count } => self.count += count,
            Happened::Named { name } => self.name = name,
            Happened::Noted { note } => self.note = note,
            Happened::Tagged { tag } => {
                self.tags.insert(tag);
            }
            Happened::Paid { cents } => *self.paid.entry("total".into()).or_default() += cents,
            Happened::Flagged => {}
            Happened::Cursed => panic!("evolve gave up"),
        }
    }

    fn merge_strategy(command: &Do) -> MergeStrategy {
        match command {
            Do::Take { .. } => MergeStrategy::Strict,
            Do::Open => MergeStrategy::Manual,
            _ => MergeStrategy::Commutative,
        }
    }

    fn on_fact(&self, fact: &Fact<Happened>) -> Vec<Happened> {
        match &fact.event {
            // A payment for a cart that is not open is recorded, and flagged.
            Happened::Paid { .. } if !self.open => vec![fact.event.clone(), Happened::Flagged],
            // A note from elsewhere is not recorded.
            Happened::Noted { .. } => vec![],
            event => vec![event.clone()],
        }
    }

    /// Records what was rejected, and why. Panics on a cart named `curse`.
    fn on_rejected(&self, effect: &RejectedEffect) -> Vec<Happened> {
        assert_ne!(self.name, "curse", "on_rejected gave up");
        let Some(Ok(commands)) = effect.of::<Self>() else {
            return Vec::new();
        };
        let noted = |command| Happened::Noted {
            note: format!("{command:?}: {}", effect.rejected.code),
        };
        commands.iter().map(noted).collect()
    }

    fn merge(&self, command: &Do, base: &Self, intervening: &[Happened]) -> Merge<Self> {
        match command {
            Do::Name { name } if base.name == self.name => {
                Merge::Proceed(vec![Happened::Named { name: name.clone() }])
            }
            Do::Name { name } => Merge::Proceed(vec![Happened::Named {
                name: format!("{} / {name} ({} between)", self.name, intervening.len()),
            }]),
            Do::Open => Merge::Reject(No::AlreadyOpen),
            Do::Note { .. } => Merge::Manual("two notes".into()),
            _ => Merge::Conflict,
        }
    }

    fn upcast(stored: Payload) -> Payload {
        match &*stored.type_name {
            "Renamed" => Payload::json("Named", stored.data),
            _ => stored,
        }
    }
}

/// Returns a coordinator on a memory store, and the store.
pub(crate) fn coordinator() -> (Coordinator, Arc<dyn Store>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    (on(&store), store)
}

pub(crate) fn on(store: &Arc<dyn Store>) -> Coordinator {
    with(store, Settings::default())
}

pub(crate) fn with(store: &Arc<dyn Store>, settings: Settings) -> Coordinator {
    Coordinator::builder(Arc::clone(store))
        .aggregate::<Cart>()
        .settings(settings)
        .start()
        .unwrap()
}

pub(crate) fn cart() -> StreamId {
    StreamId::new(Domain::of::<Cart>(), Uuid::now_v7())
}

pub(crate) fn ask(stream: &StreamId, command: &Do) -> CommandRequest {
    CommandRequest::new(stream.clone(), command.encode().unwrap())
}

/// Returns a request that expects `expected` and is resolved by `strategy`.
pub(crate) fn stale(
    stream: &StreamId,
    command: &Do,
    expected: impl Into<ExpectedSequence>,
    strategy: MergeStrategy,
) -> CommandRequest {
    CommandRequest {
        expected: expected.into(),
        merge: Some(strategy),
        ..ask(stream, command)
    }
}

pub(crate) fn under(external_id: &str, mut request: CommandRequest) -> CommandRequest {
    request.metadata.external_id = Some(external_id.into());
    request
}

pub(crate) fn fact(stream: &StreamId, external_id: &str, event: &Happened) -> FactRequest {
    FactRequest {
        id: Uuid::now_v7(),
        stream: stream.clone(),
        facts: vec![NewFact {
            payload: event.encode().unwrap(),
            origin: FactOrigin {
                source: "stripe".into(),
                description: "a payment".into(),
            },
        }],
        route_to_aggregate: None,
        metadata: Metadata {
            external_id: Some(external_id.into()),
            ..Metadata::default()
        },
        effect: None,
    }
}

/// Sends a command. Checks that it is accepted.
pub(crate) async fn accept(coordinator: &Coordinator, stream: &StreamId, command: Do) -> Receipt {
    coordinator.submit(ask(stream, &command)).await.unwrap()
}

/// Makes a stream of the events of `commands`, each of which gives one.
pub(crate) async fn stream_of(
    coordinator: &Coordinator,
    commands: impl IntoIterator<Item = Do>,
) -> StreamId {
    let stream = cart();
    for command in commands {
        accept(coordinator, &stream, command).await;
    }
    stream
}

/// Returns the events of a stream. Checks that their sequences are dense.
pub(crate) async fn history(store: &Arc<dyn Store>, stream: &StreamId) -> Vec<Happened> {
    let recorded = store
        .read_stream(stream, Sequence::FIRST, usize::MAX)
        .await
        .unwrap();
    for (place, event) in recorded.iter().enumerate() {
        assert_eq!(event.sequence.0 as usize, place);
    }
    recorded
        .iter()
        .map(|event| Happened::decode(&event.payload).unwrap())
        .collect()
}

pub(crate) fn added(count: i64) -> Happened {
    Happened::Added { count }
}

pub(crate) fn named(name: &str) -> Happened {
    Happened::Named { name: name.into() }
}

pub(crate) fn name(name: &str) -> Do {
    Do::Name { name: name.into() }
}

pub(crate) fn tag(tag: &str) -> Do {
    Do::Tag { tag: tag.into() }
}

pub(crate) fn note(note: &str) -> Do {
    Do::Note { note: note.into() }
}

#[track_caller]
pub(crate) fn conflict(answer: Result<Receipt, SubmitError>) -> seriatim_core::SequenceConflict {
    match answer {
        Err(SubmitError::Conflict(conflict)) => *conflict,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn committed(receipt: &Receipt) -> (u32, u32, bool) {
    match &receipt.outcome {
        Outcome::Committed(commit) => (commit.first.0, commit.last.0, commit.merged),
        other => panic!("expected a commit, got {other:?}"),
    }
}
