//! The aggregate that is measured: as little of its own as possible, events of 200 bytes, in protobuf.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

/// Asks for an entry.
#[derive(Clone, PartialEq, prost::Message, Command)]
#[seriatim(codec = "protobuf", name = "bench.Enter")]
pub(crate) struct Enter {
    /// How much.
    #[prost(uint64, tag = "1")]
    pub(crate) amount: u64,
    /// What a real command would say besides.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) text: Bytes,
}

/// An entry was made.
#[derive(Clone, PartialEq, prost::Message, Event)]
#[seriatim(codec = "protobuf", name = "bench.Entered")]
pub(crate) struct Entered {
    /// How much.
    #[prost(uint64, tag = "1")]
    pub(crate) amount: u64,
    /// What a real event would say besides.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) text: Bytes,
}

/// A running total, with the framework's default settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ledger {
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
pub(crate) struct Archive(Ledger);

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

/// The command of every measurement; its event is 200 bytes when encoded.
pub(crate) fn enter() -> Enter {
    Enter {
        amount: 50,
        text: Bytes::from_static(&[b'x'; 195]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seriatim::core::Message as _;

    #[test]
    fn an_event_is_as_large_as_the_limits() {
        let [event] = Ledger::default()
            .decide(&enter())
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(
            event.encode().unwrap().data.len(),
            crate::limits::raw_log::PAYLOAD.len()
        );
    }
}
