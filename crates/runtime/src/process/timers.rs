//! The component that puts into the store of timers what a process manager's instances have recorded about them.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use seriatim_core::{
    Accountable, Asked, CheckpointStore, ClearedTimer, Component, Domain, EventFilter, EventStore,
    Hold, Process, ProcessManager, Reaction, ReactionError, RecordedEvent, Step, Store, StreamId,
    Timer, TimerChange, Trigger,
};
use tokio::sync::Notify;

use super::part;
use crate::reaction::Refused;

/// Keeps the timers of `P` as its instances want them.
pub(crate) struct Timers<P> {
    component: Component,
    filter: EventFilter,
    store: Arc<dyn Store>,
    /// Told of timers that were set.
    alarm: Arc<Notify>,
    manager: PhantomData<fn() -> P>,
}

impl<P: ProcessManager> Timers<P> {
    pub(crate) fn new(store: Arc<dyn Store>, alarm: Arc<Notify>) -> Self {
        let filter = EventFilter {
            domains: vec![Domain::of::<Process<P>>()],
            ..EventFilter::default()
        };
        Self {
            component: part::<P>("timers"),
            filter,
            store,
            alarm,
            manager: PhantomData,
        }
    }
}

impl<P> fmt::Debug for Timers<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("component", &self.component)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<P: ProcessManager> Reaction for Timers<P> {
    fn component(&self) -> &Component {
        &self.component
    }

    fn filter(&self) -> &EventFilter {
        &self.filter
    }

    fn checkpoints(&self) -> &dyn CheckpointStore {
        self.store.as_ref()
    }

    fn accountable(&self) -> Option<&dyn Accountable> {
        Some(self)
    }

    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError> {
        let mut changes = Changes::default();
        for event in step.events {
            changes.note::<P>(event)?;
        }
        if !changes.set.is_empty() {
            let set: Vec<_> = changes.set.into_values().collect();
            self.store.set_timers(&set).await?;
            self.alarm.notify_one();
        }
        if !changes.cleared.is_empty() {
            let cleared: Vec<_> = changes.cleared.into_values().collect();
            self.store.clear_timers(&cleared).await?;
        }
        let moved = self.store.advance(step.tenure, step.advance, step.lease);
        Ok(moved.await?)
    }
}

impl<P: ProcessManager> Accountable for Timers<P> {
    /// The alarm puts each timer that runs out to its instance.
    fn asked(&self, recorded: &RecordedEvent) -> Result<Vec<Asked>, ReactionError> {
        let Some(event) = recorded.of::<Process<P>>() else {
            return Ok(Vec::new());
        };
        let event = event.map_err(Refused::Undecodable)?;
        let asked = event.planned.timers.iter().map(|change| match change {
            TimerChange::Set { .. } => Asked::MaybeOf(recorded.stream.clone()),
            TimerChange::Cancel { .. } => Asked::Nothing,
        });
        Ok(asked.collect())
    }

    fn outcomes(&self) -> Option<&dyn EventStore> {
        Some(self.store.as_ref())
    }
}

/// What some events leave of the timers they are about. The last word about each counts.
#[derive(Default)]
struct Changes {
    set: BTreeMap<(StreamId, String), Timer>,
    cleared: BTreeMap<(StreamId, String), ClearedTimer>,
}

impl Changes {
    fn note<P: ProcessManager>(&mut self, recorded: &RecordedEvent) -> Result<(), ReactionError> {
        let Some(event) = recorded.of::<Process<P>>() else {
            return Ok(());
        };
        let event = event.map_err(Refused::Undecodable)?;
        if let Trigger::Timer(name) = &event.trigger {
            self.clear(recorded, name);
        }
        for (change, ordinal) in event.planned.timers.iter().zip(0..) {
            match change {
                TimerChange::Cancel { name } => self.clear(recorded, name),
                TimerChange::Set { name, after } => {
                    let timer = Timer {
                        stream: recorded.stream.clone(),
                        name: name.clone(),
                        set_at: recorded.sequence,
                        ordinal,
                        due: recorded.recorded_at.later_by(*after),
                    };
                    self.set
                        .insert((recorded.stream.clone(), name.clone()), timer);
                }
            }
        }
        Ok(())
    }

    fn clear(&mut self, recorded: &RecordedEvent, name: &str) {
        let key = (recorded.stream.clone(), name.to_owned());
        self.set.remove(&key);
        let cleared = ClearedTimer {
            stream: recorded.stream.clone(),
            name: name.into(),
            through: recorded.sequence,
        };
        self.cleared.insert(key, cleared);
    }
}
