//! Remembers which events of a failed step were handled, so that a retry of the step leaves them out.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use seriatim_core::{RecordedEvent, Sequence, Step, StreamId, Tenure, Work};

/// The work that was done under the current tenure of each piece, beyond its checkpoint. It only saves work: under a
/// new tenure everything is sent again, and takes effect once all the same.
#[derive(Debug, Default)]
pub(crate) struct Done(Mutex<ByWork>);

type ByWork = HashMap<Work, (Tenure, Events)>;
type Events = HashSet<(StreamId, Sequence)>;

impl Done {
    /// Returns the events of a step that are not handled yet.
    pub(crate) fn left<'e>(&self, step: &Step<'e>) -> Vec<&'e RecordedEvent> {
        let all = self.lock();
        match all.get(&step.tenure.work) {
            Some((tenure, events)) if tenure.id == step.tenure.id => {
                let is_left = |event: &&&RecordedEvent| !events.contains(&place(event));
                step.events.iter().filter(is_left).copied().collect()
            }
            _ => step.events.to_vec(),
        }
    }

    /// Records that these events are handled, although their step is not.
    pub(crate) fn note(&self, tenure: &Tenure, events: &[&RecordedEvent]) {
        let mut all = self.lock();
        let done = all.entry(tenure.work.clone());
        let (of, done) = done.or_insert_with(|| (tenure.clone(), Events::new()));
        if of.id != tenure.id {
            (*of, *done) = (tenure.clone(), Events::new());
        }
        done.extend(events.iter().map(|event| place(event)));
    }

    /// Forgets a step that is done, because its events do not come again.
    pub(crate) fn forget(&self, step: &Step<'_>) {
        let mut all = self.lock();
        if let Some((_, events)) = all.get_mut(&step.tenure.work) {
            for event in step.events {
                events.remove(&place(event));
            }
            if events.is_empty() {
                all.remove(&step.tenure.work);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ByWork> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(event: &RecordedEvent) -> (StreamId, Sequence) {
    (event.stream.clone(), event.sequence)
}
