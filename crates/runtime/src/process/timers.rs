//! Updates the store of timers from what a process manager's instances have recorded, and sends stuck timers to the
//! instances again.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use seriatim_core::{
    Accountable, Asked, CheckpointStore, ClearedTimer, Component, Domain, EventFilter, EventStore,
    Hold, NewTimer, Process, ProcessManager, Reaction, ReactionError, RecordedEvent, Sequence,
    Step, StreamId, StuckTimer, Timer, TimerChange, Timestamp, Trigger,
};
use tokio::sync::Notify;

use super::firing::Firing;
use crate::reaction::Refused;

/// The component that keeps the timers of `P` as its instances have set them.
pub(crate) struct Timers<P> {
    filter: EventFilter,
    firing: Firing,
    /// The domain in which stuck timers are recorded.
    stuck: Domain,
    /// Notified when a timer is set.
    alarm: Arc<Notify>,
    manager: PhantomData<fn() -> P>,
}

impl<P: ProcessManager> Timers<P> {
    pub(crate) fn new(firing: Firing, alarm: Arc<Notify>) -> Self {
        let stuck = firing.stuck_domain();
        let filter = EventFilter {
            domains: vec![firing.domain.clone(), stuck.clone()],
            ..EventFilter::default()
        };
        Self {
            filter,
            firing,
            stuck,
            alarm,
            manager: PhantomData,
        }
    }

    fn note(&self, event: &RecordedEvent, changes: &mut Changes) -> Result<(), ReactionError> {
        if event.stream.domain != self.stuck {
            return changes.note::<P>(event);
        }
        let stuck = StuckTimer::decode(event).map_err(Refused::Undecodable)?;
        let instance = StreamId::new(self.firing.domain.clone(), event.stream.root);
        changes.note_stuck(stuck.timer_of(instance));
        Ok(())
    }
}

impl<P> fmt::Debug for Timers<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("firing", &self.firing)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<P: ProcessManager> Reaction for Timers<P> {
    fn component(&self) -> &Component {
        &self.firing.component
    }

    fn filter(&self) -> &EventFilter {
        &self.filter
    }

    fn checkpoints(&self) -> &dyn CheckpointStore {
        self.firing.store.as_ref()
    }

    fn accountable(&self) -> Option<&dyn Accountable> {
        Some(self)
    }

    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError> {
        let mut changes = Changes::default();
        for event in step.events {
            self.note(event, &mut changes)?;
        }
        let store = &self.firing.store;
        if !changes.set.is_empty() {
            let set: Vec<_> = changes.set.into_values().collect();
            store.set_timers(&set).await?;
            self.alarm.notify_one();
        }
        if !changes.cleared.is_empty() {
            let cleared: Vec<_> = changes.cleared.into_values().collect();
            store.clear_timers(&cleared).await?;
        }
        for timer in &changes.stuck {
            if let Some(request) = self.firing.request(timer).await? {
                self.firing.put(timer, request).await?;
            }
        }
        Ok(step.finish(&**store).await?)
    }
}

impl<P: ProcessManager> Accountable for Timers<P> {
    /// Returns the effects that an event may have: the alarm sends each timer that runs out to its instance.
    fn asked(&self, recorded: &RecordedEvent) -> Result<Vec<Asked>, ReactionError> {
        let Some(event) = recorded.of::<Process<P>>() else {
            return Ok(Vec::new());
        };
        let event = event.map_err(Refused::Undecodable)?;
        let asked = event.planned.timers.iter().map(|change| match change {
            TimerChange::Set { .. } | TimerChange::SetAt { .. } => {
                Asked::MaybeOf(recorded.stream.clone())
            }
            TimerChange::Cancel { .. } => Asked::Nothing,
        });
        Ok(asked.collect())
    }

    fn outcomes(&self) -> Option<&dyn EventStore> {
        Some(self.firing.store.as_ref())
    }
}

/// The changes to timers that remain after some events. The last change of each timer counts.
#[derive(Default)]
struct Changes {
    set: BTreeMap<(StreamId, String), NewTimer>,
    cleared: BTreeMap<(StreamId, String), ClearedTimer>,
    /// Timers that have run out and that the instance could not act upon.
    stuck: Vec<Timer>,
}

impl Changes {
    fn note<P: ProcessManager>(&mut self, recorded: &RecordedEvent) -> Result<(), ReactionError> {
        let Some(event) = recorded.of::<Process<P>>() else {
            return Ok(());
        };
        let event = event.map_err(Refused::Undecodable)?;
        let (stream, here) = (&recorded.stream, recorded.sequence);
        if let Trigger::Timer(name) = &event.trigger {
            self.clear(stream, name, here);
        }
        for (change, ordinal) in event.planned.timers.iter().zip(0..) {
            let mut set = |name: &str, counts_from, after| {
                let timer = NewTimer {
                    stream: stream.clone(),
                    name: name.into(),
                    set_at: here,
                    ordinal,
                    recorded_at: counts_from,
                    after,
                };
                self.set.insert((stream.clone(), name.into()), timer);
            };
            match change {
                // No timer has an invalid name, and not every store accepts one even for a lookup.
                TimerChange::Cancel { name } if !Timer::may_be_named(name) => {}
                TimerChange::Cancel { name } => self.clear(stream, name, here),
                TimerChange::Set { name, after } => set(name, recorded.recorded_at, *after),
                TimerChange::SetAt { name, at } => {
                    set(name, Timestamp::EPOCH, at.since(Timestamp::EPOCH));
                }
            }
        }
        Ok(())
    }

    /// Clears a stuck timer and notes it for another try. The process that found it stuck may have died before that.
    fn note_stuck(&mut self, timer: Timer) {
        self.clear(&timer.stream, &timer.name, timer.set_at);
        self.stuck.push(timer);
    }

    fn clear(&mut self, stream: &StreamId, name: &str, through: Sequence) {
        let key = (stream.clone(), name.to_owned());
        if self.set.get(&key).is_some_and(|set| set.set_at <= through) {
            self.set.remove(&key);
        }
        let cleared = ClearedTimer {
            stream: stream.clone(),
            name: name.into(),
            through,
        };
        let latest = self.cleared.entry(key).or_insert_with(|| cleared);
        latest.through = latest.through.max(through);
    }
}
