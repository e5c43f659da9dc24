//! Runs process managers: each has three components, which are fed like all others, and an alarm.
//!
//! ```text
//! others' events ─► inputs ─► the instance's stream ─┬─► effects ─► commands and facts for others
//!                                  ▲                 └─► timers ─► the store of timers
//!                                  ├──────────── alarm ◄────────────────────┘
//!                                  │               └─► a stuck timer, as an event ─► timers ─┐
//!                                  └─────────────────────────────────────────────────────────┘
//! ```
//!
//! The timers have a component of their own, so that a time-out does not wait for the very target that does not answer.
//! It also handles timers that an instance cannot act upon: they become events, and it fails on them as on any other
//! event.

mod alarm;
mod alarms;
mod firing;
mod inputs;
mod lanes;
mod timers;

use std::sync::Arc;

use seriatim_core::{CommandGateway, Component, Dispatch, Domain, Process, ProcessManager, Store};
use tokio::sync::Notify;

pub use alarm::Alarm;
pub use alarms::Alarms;

use crate::reaction::{Enrolled, SagaReaction};
use firing::Firing;
use inputs::Inputs;
use timers::Timers;

/// Everything that runs for a process manager, besides the aggregate [`Process`].
#[derive(Debug)]
pub struct Managed {
    /// Its components: inputs, effects and timers.
    pub components: [Enrolled; 3],
    /// Its alarm.
    pub alarm: Alarm,
}

impl Managed {
    /// Makes the parts of the process manager `P`. Its streams and timers are in `store`. It reaches other aggregates
    /// and its own instances through `gateway`.
    pub fn of<P: ProcessManager>(
        store: &Arc<dyn Store>,
        gateway: &Arc<dyn CommandGateway>,
    ) -> Self {
        let (store, gateway) = (|| Arc::clone(store), || Arc::clone(gateway));
        let set = Arc::new(Notify::new());
        let inputs = Inputs::<P>::new(gateway(), store() as _);
        let effects = SagaReaction::new(Dispatch::<P>::default(), gateway(), store() as _);
        let firing = Firing::of::<P>(store(), gateway());
        let timers = Timers::<P>::new(firing.clone(), Arc::clone(&set));
        Self {
            components: [
                Enrolled::new(Arc::new(inputs)),
                Enrolled::new(Arc::new(effects)),
                Enrolled::new(Arc::new(timers)),
            ],
            alarm: Alarm::new(firing, set),
        }
    }
}

/// Returns the name of a part of a process manager. A `NAME` that is too long for it does not compile.
fn part<P: ProcessManager>(suffix: &str) -> Component {
    const {
        assert!(
            P::NAME.len() + ".inputs".len() <= Domain::MAX_LENGTH,
            "the `NAME` of a process manager has at most 57 characters"
        );
    }
    let name = format!("{}.{suffix}", Domain::of::<Process<P>>());
    Component::new(&name).expect("a domain and a suffix, which is short enough")
}
