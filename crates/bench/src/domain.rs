//! The aggregate that is measured: as little of its own as possible, events of 200 bytes, in protobuf.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

/// The data that the limits store of an event besides its place: as many bytes as the product's event, and about as
/// many as what is known of a real one.
pub const PAYLOAD: [u8; 200] = [b'p'; 200];
/// See [`PAYLOAD`].
pub const METADATA: [u8; 100] = [b'm'; 100];

/// Asks for an entry.
#[derive(Clone, PartialEq, prost::Message, Command)]
#[seriatim(codec = "protobuf", name = "bench.Enter")]
pub struct Enter {
    /// The amount of the entry.
    #[prost(uint64, tag = "1")]
    pub amount: u64,
    /// The rest of what a real command would say.
    #[prost(bytes = "bytes", tag = "2")]
    pub text: Bytes,
}

/// An entry was made.
#[derive(Clone, PartialEq, prost::Message, Event)]
#[seriatim(codec = "protobuf", name = "bench.Entered")]
pub struct Entered {
    /// The amount of the entry.
    #[prost(uint64, tag = "1")]
    pub amount: u64,
    /// The rest of what a real event would say.
    #[prost(bytes = "bytes", tag = "2")]
    pub text: Bytes,
}

/// A running total, with the framework's default settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    total: u64,
    entries: u64,
}

impl Aggregate for Ledger {
    const DOMAIN: &'static str = "ledger";
    type Command = Enter;
    type Event = Entered;
    type Rejection = Never;

    fn decide(&self, command: &Enter) -> Result<Vec<Entered>, Never> {
        Ok(vec![Entered {
            amount: command.amount,
            text: command.text.clone(),
        }])
    }

    fn evolve(&mut self, event: &Entered) {
        self.total = self.total.wrapping_add(event.amount);
        self.entries += 1;
    }
}

/// The same without snapshots, so that every state is folded from the first event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Archive(Ledger);

impl Aggregate for Archive {
    const DOMAIN: &'static str = "archive";
    const SNAPSHOTS: SnapshotPolicy = SnapshotPolicy::Never;
    type Command = Enter;
    type Event = Entered;
    type Rejection = Never;

    fn decide(&self, command: &Enter) -> Result<Vec<Entered>, Never> {
        self.0.decide(command)
    }

    fn evolve(&mut self, event: &Entered) {
        self.0.evolve(event);
    }
}

/// The command of every measurement.
pub fn enter() -> Enter {
    let Entered { amount, text } = entered();
    Enter { amount, text }
}

/// Its event, which is 200 bytes when encoded.
pub fn entered() -> Entered {
    Entered {
        amount: 50,
        text: Bytes::from_static(&[b'x'; 195]),
    }
}

/// So many new roots, in ascending order as version 7 gives them.
pub fn new_roots(count: usize) -> Arc<[Uuid]> {
    (0..count).map(|_| Uuid::now_v7()).collect()
}

/// All of `roots` in an order that does not follow from theirs, and is another one each time.
pub fn shuffled(roots: &[Uuid]) -> Arc<[Uuid]> {
    let mut keyed: Vec<_> = roots.iter().map(|root| (Uuid::new_v4(), *root)).collect();
    keyed.sort_unstable_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, root)| root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use seriatim::core::Message as _;

    #[test]
    fn an_event_is_as_large_as_the_limits() {
        let events = Ledger::default().decide(&enter()).unwrap();
        assert_eq!(events, [entered()]);
        assert_eq!(entered().encode().unwrap().data.len(), PAYLOAD.len());
    }
}
