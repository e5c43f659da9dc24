//! Lists the events before its checkpoint that a component has not handled, and need not have handled.

use std::collections::{HashMap, HashSet};

use seriatim_core::{
    LetterFilter, LetterStatus, Reaction, RecordedEvent, Sequence, StoreError, StreamId,
};

/// The number of skipped events that are looked at: the latest ones.
const SKIPPED: usize = 10_000;

/// The streams that are parked for a component, and the events that it has skipped.
#[derive(Debug)]
pub(super) struct Excuses {
    /// The parked streams, each with the first event that is not handled.
    parked: HashMap<StreamId, Sequence>,
    skipped: HashSet<(StreamId, Sequence)>,
    may_have_more: bool,
}

impl Excuses {
    /// Reads the parked streams and the skipped events of a component. Parked streams are read first: an event that is
    /// in neither list was handled, or was skipped earlier.
    pub(super) async fn of(reaction: &dyn Reaction) -> Result<Self, StoreError> {
        let (component, checkpoints) = (reaction.component(), reaction.checkpoints());
        let parked = checkpoints.parked(Some(component)).await?;
        let latest = LetterFilter {
            component: Some(component.clone()),
            status: Some(LetterStatus::Discarded),
            latest_first: true,
            ..LetterFilter::default()
        };
        let skipped = checkpoints.reaction_letters(&latest, SKIPPED).await?;
        Ok(Self {
            may_have_more: skipped.len() == SKIPPED,
            parked: (parked.into_iter())
                .map(|parked| (parked.stream, parked.sequence))
                .collect(),
            skipped: (skipped.into_iter())
                .map(|skipped| (skipped.stream, skipped.sequence))
                .collect(),
        })
    }

    pub(super) fn has(&self, event: &RecordedEvent) -> bool {
        let waits = self.parked.get(&event.stream);
        waits.is_some_and(|first| *first <= event.sequence)
            || self
                .skipped
                .contains(&(event.stream.clone(), event.sequence))
    }

    /// Returns true if there may be skipped events that are not known here.
    pub(super) fn may_have_more(&self) -> bool {
        self.may_have_more
    }
}
