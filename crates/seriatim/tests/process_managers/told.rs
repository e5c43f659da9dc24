//! Checks what the log tells of vigils: whether it is as it must be so far, and what is still to come.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use seriatim::core::{LogPartition, Message, Planned, Position, ProcessEvent, TimerChange};
use seriatim::prelude::*;
use seriatim::{Effect, Process};

use crate::vigil::{Job, JobEvent, Ledger, Note, Noted, Seen, Vigil};

type Step = (RecordedEvent, ProcessEvent<Vigil>);

/// The counts of what is still to come, and of what there was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Inputs that were not taken, timers that have not fired, and effects that are nowhere.
    pub(crate) missing: [usize; 3],
    pub(crate) fired: usize,
    pub(crate) replaced: usize,
    pub(crate) cancelled: usize,
    pub(crate) finished: usize,
}

impl Told {
    /// Fails if something has happened that must not.
    pub(crate) async fn by(app: &App) -> Self {
        let (mut jobs, mut vigils) = (HashMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        let mut ledgers = BTreeMap::<_, Vec<_>>::new();
        // What follows is read before what it follows from, or it would seem to have come from nothing.
        for (root, _, Noted { tag }) in read::<Ledger>(app).await {
            ledgers.entry(root).or_default().push(tag);
        }
        for (root, recorded, step) in read::<Process<Vigil>>(app).await {
            vigils.entry(root).or_default().push((recorded, step));
        }
        for (root, _, event) in read::<Job>(app).await {
            jobs.entry(root).or_default().push(event);
        }
        let mut told = Self::default();
        let mut planned = BTreeSet::new();
        for (root, events) in &jobs {
            let steps = vigils.remove(root).unwrap_or_default();
            told.follow(events, &steps);
            for (_, step) in &steps {
                planned.extend(tags(&step.planned));
            }
        }
        assert!(vigils.is_empty(), "nobody has begun {vigils:?}");
        for tag in ledgers.values().flatten() {
            assert!(
                planned.remove(tag),
                "`{tag}` is there twice, or for nothing"
            );
        }
        told.missing[2] += planned.len();
        ledgers.values().for_each(|tags| assert_in_order(tags));
        told
    }

    pub(crate) fn is_done(&self) -> bool {
        self.missing == [0; 3]
    }

    /// Follows one job, and counts what happened to it.
    fn follow(&mut self, events: &[JobEvent], steps: &[Step]) {
        let mut timers = HashMap::<&str, (&RecordedEvent, Duration)>::new();
        let (mut taken, mut finished) = (0, false);
        for (recorded, step) in steps {
            assert!(!finished, "{recorded:?} came after the end");
            match &step.trigger {
                Trigger::Input(Seen { event, .. }) => {
                    assert_eq!(Some(event), events.get(taken));
                    taken += 1;
                }
                Trigger::Timer(name) => {
                    let set = timers.remove(&**name);
                    let (set, after) = set.expect("it is set: not cancelled, replaced, or fired");
                    assert_eq!(recorded.metadata.causation_id, Some(set.id));
                    assert!(recorded.recorded_at >= set.recorded_at.later_by(after));
                    self.fired += 1;
                }
                Trigger::Rejected(rejected) => panic!("{rejected:?}"),
            }
            for change in &step.planned.timers {
                let before = timers.remove(change.name()).is_some();
                match change {
                    TimerChange::Set { name, after } => {
                        timers.insert(name, (recorded, *after));
                        self.replaced += usize::from(before);
                    }
                    TimerChange::SetAt { .. } => panic!("none is set for a time"),
                    TimerChange::Cancel { .. } => self.cancelled += usize::from(before),
                }
            }
            finished = step.planned.finished;
        }
        if finished {
            assert!(timers.is_empty(), "{timers:?} outlive the process");
            self.finished += 1;
        } else {
            self.missing[0] += events.len() - taken;
        }
        self.missing[1] += timers.len();
    }
}

/// All events of a domain, those of a stream in order.
async fn read<A: Aggregate>(app: &App) -> Vec<(Uuid, RecordedEvent, A::Event)> {
    let store = app.coordinator().store();
    let mut events = Vec::new();
    for partition in LogPartition::all(store.partitions()) {
        let mut after = Position::START;
        loop {
            let page = store.read_log(partition, after, 1000).await.unwrap().events;
            let Some(last) = page.last() else { break };
            after = last.position;
            events.extend(page.into_iter().filter_map(|recorded| {
                let event = recorded.of::<A>()?.unwrap();
                Some((recorded.stream.root, recorded, event))
            }));
        }
    }
    events
}

fn tags(planned: &Planned) -> impl Iterator<Item = String> {
    planned.effects.iter().map(|effect| {
        let Effect::Command(command) = effect else {
            panic!("{effect:?}");
        };
        let Note { tag } = Note::decode(&command.commands[0]).unwrap();
        tag
    })
}

/// Checks that what one process has noted is in the order of its steps.
fn assert_in_order(tags: &[String]) {
    let mut last = HashMap::new();
    for tag in tags {
        let parts: Vec<_> = tag.split('/').collect();
        let step: u32 = parts[1].parse().unwrap();
        let before = last.insert(parts[0], step);
        assert!(before < Some(step), "`{tag}` was overtaken by {before:?}");
    }
}
