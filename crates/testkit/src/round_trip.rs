//! Checks whether a value survives being encoded and decoded.

use std::fmt::Debug;

use seriatim_core::{
    Aggregate, Command, Event, Message, Payload, Sequence, Snapshot, SnapshotError, SnapshotPolicy,
    Tree,
};

use uuid::Uuid;

use crate::text;

/// A description for people of what is lost.
pub(crate) struct Lost {
    /// One sentence.
    pub(crate) what: String,
    /// The value as it was, and as it became.
    pub(crate) evidence: Vec<String>,
}

/// Checks that an event is decoded as an equal one.
pub(crate) fn event<E: Event>(event: &E) -> Result<(), Lost> {
    let (payload, back) = there_and_back(event)?;
    if back == *event {
        return Ok(());
    }
    Err(changed(event, &back, &payload))
}

/// Checks that a command is decoded as one that looks the same, because commands need no `PartialEq`.
pub(crate) fn command<C: Command>(command: &C) -> Result<(), Lost> {
    let (payload, back) = there_and_back(command)?;
    if looks(&back) == looks(command) {
        return Ok(());
    }
    Err(changed(command, &back, &payload))
}

/// Checks that a state of an aggregate with snapshots is restored as an equal one.
pub(crate) fn state<A: Aggregate>(state: &A) -> Result<(), Lost> {
    if A::SNAPSHOTS == SnapshotPolicy::Never {
        return Ok(());
    }
    let advice = "; or set `SNAPSHOTS` to `SnapshotPolicy::Never`";
    let snapshot = Snapshot::of(state, Sequence::FIRST, Uuid::nil());
    let snapshot = snapshot.map_err(|error| match error {
        SnapshotError::Json(error) => Lost {
            what: format!("the state cannot be kept as a snapshot: {error}{advice}"),
            evidence: Vec::new(),
        },
        SnapshotError::Differs => Lost {
            what: format!("the state that is read back from a snapshot is another one{advice}"),
            evidence: serde_json::to_string(state).into_iter().collect(),
        },
    })?;
    let kept = String::from_utf8_lossy(&snapshot.state).into_owned();
    let restored: A = snapshot.restore().ok_or_else(|| Lost {
        what: format!("the state does not read back from its own snapshot{advice}"),
        evidence: vec![kept.clone()],
    })?;
    debug_assert!(restored == *state, "it was compared when it was kept");
    Ok(())
}

fn there_and_back<M: Message + Debug>(message: &M) -> Result<(Payload, M), Lost> {
    let name = message.type_name();
    let payload = message.encode().map_err(|error| Lost {
        what: format!("`{name}` cannot be written: {}", error.source),
        evidence: text::lines(&[message]),
    })?;
    let back = M::decode(&payload).map_err(|error| Lost {
        what: format!("`{name}` cannot be read back: {error}"),
        evidence: shown(message, &payload),
    })?;
    Ok((payload, back))
}

fn changed<M: Message + Debug>(message: &M, back: &M, payload: &Payload) -> Lost {
    let mut evidence = shown(message, payload);
    evidence.push(format!("read back as {back:?}"));
    Lost {
        what: format!("`{}` does not survive storage", message.type_name()),
        evidence,
    }
}

fn shown<M: Debug>(message: &M, payload: &Payload) -> Vec<String> {
    vec![format!("{message:?}"), format!("stored as    {payload:?}")]
}

/// Its `Debug` text without the order of its parts, because the order of a hash map differs each time.
fn looks<T: Debug>(value: &T) -> Vec<String> {
    let text = format!("{value:#?}");
    let mut lines: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
    lines.sort_unstable();
    lines
}

/// The stored form of some messages, in a form that can be compared: JSON by its meaning.
#[derive(PartialEq)]
pub(crate) struct Stored(Vec<(String, Result<Tree, Payload>)>);

impl Stored {
    pub(crate) fn of(payloads: impl IntoIterator<Item = Payload>) -> Self {
        let comparable = |payload: Payload| {
            let value = payload.tree().ok_or_else(|| payload.clone());
            (payload.type_name.into_owned(), value)
        };
        Self(payloads.into_iter().map(comparable).collect())
    }
}

/// Returns what would be stored of `events`; events that cannot be encoded are left to [`event`] to find.
pub(crate) fn stored<'a, E: Event>(events: impl IntoIterator<Item = &'a E>) -> Stored {
    Stored::of(events.into_iter().filter_map(|event| event.encode().ok()))
}
