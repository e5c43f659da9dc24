//! Kept states, so that loading need not begin at the first event.

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Aggregate, Sequence};

/// A state that was kept. Only a shortcut: everything in it can be folded again from the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which type it is a state of.
    pub fingerprint: Fingerprint,
    /// The last event it contains.
    pub sequence: Sequence,
    /// The state, as JSON text.
    pub state: Bytes,
}

impl Snapshot {
    /// Keeps `state`, which contains the events up to `sequence`.
    pub fn of<A: Aggregate>(state: &A, sequence: Sequence) -> Result<Self, serde_json::Error> {
        Ok(Self {
            fingerprint: Fingerprint::of::<A>(),
            sequence,
            state: serde_json::to_vec(state)?.into(),
        })
    }

    /// The state, or `None` if it does not decode: a snapshot is ignored then, never trusted.
    pub fn restore<A: Aggregate>(&self) -> Option<A> {
        if self.fingerprint != Fingerprint::of::<A>() {
            return None;
        }
        serde_json::from_slice(&self.state).ok()
    }
}

/// Tells the snapshots of a type from those of its earlier or later forms.
///
/// Made of the domain, [`Aggregate::SNAPSHOT_SCHEMA`], the names of the event types, and the shape of the
/// default state (its field names and kinds of values): a state that gains, loses or renames a field leaves its
/// old snapshots behind without anybody having to think of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Of an aggregate.
    pub fn of<A: Aggregate>() -> Self {
        use crate::Message;
        let mut hasher = Sha256::new();
        hasher.update(A::DOMAIN);
        hasher.update(A::SNAPSHOT_SCHEMA.to_be_bytes());
        for name in A::Event::TYPE_NAMES {
            hasher.update([0]);
            hasher.update(name);
        }
        hasher.update([1]);
        if let Ok(state) = serde_json::to_value(A::default()) {
            hasher.update(shape(&state));
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let (first, _) = digest.split_first_chunk().expect("32 bytes");
        Self(u64::from_be_bytes(*first))
    }
}

fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(shape).collect::<Vec<_>>().join(",")
        ),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{name}:{}", shape(value)))
                .collect();
            fields.sort_unstable();
            format!("{{{}}}", fields.join(","))
        }
    }
}
