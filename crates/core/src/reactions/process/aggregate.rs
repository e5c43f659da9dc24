//! Makes an instance of a process manager an aggregate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Never, Plan, ProcessCommand, ProcessEvent, ProcessManager, RejectedEffect, Sequence,
    TimerChange, Trigger,
};

/// An instance of a process manager: its state, and the timers that count for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Process<P> {
    state: P,
    /// The timers that are set, each with the event that set it.
    timers: BTreeMap<String, Sequence>,
    finished: bool,
    /// The number of events, which is also the sequence of the next one.
    events: u32,
}

impl<P: ProcessManager> Process<P> {
    /// Returns its state.
    pub fn state(&self) -> &P {
        &self.state
    }

    /// Returns the names of the timers that are set, in order.
    pub fn timers(&self) -> impl Iterator<Item = &str> {
        self.timers.keys().map(String::as_str)
    }

    /// Returns whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    fn plan(&self, trigger: Trigger<P::Input>) -> ProcessEvent<P> {
        let mut plan = Plan::default();
        self.state.decide(&trigger, &mut plan);
        if self.finished {
            plan.finish();
        }
        let mut planned = plan.into_planned();
        if planned.finished {
            // The timers are named one by one, because a reader of the event does not know which timers there are.
            let fired = |name: &str| matches!(&trigger, Trigger::Timer(fired) if fired == name);
            let left = self.timers.keys().filter(|name| !fired(name)).cloned();
            planned.timers = left.map(|name| TimerChange::Cancel { name }).collect();
        }
        ProcessEvent { trigger, planned }
    }
}

impl<P: ProcessManager> Aggregate for Process<P> {
    const DOMAIN: &'static str = P::NAME;
    const SNAPSHOT_SCHEMA: u32 = P::SNAPSHOT_SCHEMA;

    type Command = ProcessCommand<P>;
    type Event = ProcessEvent<P>;
    type Rejection = Never;

    fn decide(&self, command: &ProcessCommand<P>) -> Result<Vec<ProcessEvent<P>>, Never> {
        if self.finished {
            return Ok(Vec::new());
        }
        let trigger = match command {
            ProcessCommand::Take(input) => Some(Trigger::Input(input.clone())),
            ProcessCommand::Fire { timer, set_at } => {
                let counts = self.timers.get(timer) == Some(set_at);
                counts.then(|| Trigger::Timer(timer.clone()))
            }
        };
        Ok(trigger
            .map(|trigger| self.plan(trigger))
            .into_iter()
            .collect())
    }

    fn evolve(&mut self, event: &ProcessEvent<P>) {
        let ProcessEvent { trigger, planned } = event;
        self.state.evolve(trigger);
        if let Trigger::Timer(name) = trigger {
            self.timers.remove(name);
        }
        for change in &planned.timers {
            match change {
                TimerChange::Set { name, .. } | TimerChange::SetAt { name, .. } => {
                    self.timers.insert(name.clone(), Sequence(self.events));
                }
                TimerChange::Cancel { name } => {
                    self.timers.remove(name);
                }
            }
        }
        self.finished |= planned.finished;
        self.events = self.events.saturating_add(1);
    }

    fn on_rejected(&self, effect: &RejectedEffect) -> Vec<ProcessEvent<P>> {
        vec![self.plan(Trigger::Rejected(Box::new(effect.clone())))]
    }
}
