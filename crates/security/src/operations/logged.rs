//! What operators did as an aggregate: one stream for each day (UTC), so that none grows for ever.

use serde::{Deserialize, Serialize};
use seriatim_core::{Aggregate, Never, SnapshotPolicy};
use seriatim_derive::{Command, Event};
use uuid::Uuid;

/// What operators did on one day. It decides nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationDay;

/// What was asked for, or what became of it. Who asked is the actor of the event.
#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
pub enum OperationEvent {
    /// Somebody who may asked for something. It is recorded before it is done.
    Asked {
        /// Its id.
        id: Uuid,
        /// A stable name of what was asked for.
        what: String,
        /// What it is done to.
        target: String,
        /// The reason that was given.
        reason: Option<String>,
    },
    /// It was not done.
    Failed {
        /// The id of what was asked for.
        id: Uuid,
        /// Why.
        why: String,
    },
    /// Callers were turned away, each time for the same reason.
    TurnedAway {
        /// Its id.
        id: Uuid,
        /// The right that was missing, or why the caller was not known.
        why: String,
        /// How often.
        times: u64,
    },
}

/// What to record.
#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
pub enum OperationCommand {
    /// Record it.
    Record {
        /// What happened.
        event: OperationEvent,
    },
}

impl Aggregate for OperationDay {
    const DOMAIN: &'static str = "seriatim.operations";
    const SNAPSHOTS: SnapshotPolicy = SnapshotPolicy::Never;
    type Command = OperationCommand;
    type Event = OperationEvent;
    type Rejection = Never;

    fn decide(
        &self,
        OperationCommand::Record { event }: &OperationCommand,
    ) -> Result<Vec<OperationEvent>, Never> {
        Ok(vec![event.clone()])
    }

    fn evolve(&mut self, _: &OperationEvent) {}
}
