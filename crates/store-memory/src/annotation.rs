//! The seam of the annotations, and what they and the faults say about lists.

use std::collections::BTreeMap;

use async_trait::async_trait;
use seriatim_core::{
    Annotation, AnnotationStore, Component, Domain, FaultGroup, LetterFilter, LetterStatus,
    StoreError, StreamId, assignee,
};
use uuid::Uuid;

use crate::{Log, MemoryStore};

#[async_trait]
impl AnnotationStore for MemoryStore {
    async fn annotate(
        &self,
        letter: Uuid,
        after: usize,
        annotation: &Annotation,
    ) -> Result<bool, StoreError> {
        let mut log = self.log();
        let annotations = log.annotations.entry(letter).or_default();
        let is_next = annotations.len() == after;
        if is_next {
            annotations.push(annotation.clone());
        }
        Ok(is_next)
    }

    async fn annotations(&self, letter: Uuid) -> Result<Vec<Annotation>, StoreError> {
        Ok(self.log().annotations_of(letter).to_vec())
    }

    async fn assignees(&self, letters: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError> {
        let log = self.log();
        let letters = letters.iter();
        let assigned = letters
            .filter_map(|id| assignee(log.annotations_of(*id)).map(|name| (*id, name.to_owned())));
        Ok(assigned.collect())
    }
}

impl Log {
    fn annotations_of(&self, letter: Uuid) -> &[Annotation] {
        self.annotations.get(&letter).map_or(&[], Vec::as_slice)
    }

    /// Returns whether a filter lets a letter through because of who looks after it.
    pub(crate) fn is_for(&self, filter: &LetterFilter, letter: Uuid) -> bool {
        filter.matches_assignee(assignee(self.annotations_of(letter)))
    }

    /// Forgets what was written about letters that are gone.
    pub(crate) fn forget_annotations(&mut self) {
        let (letters, closed) = (&self.letters, &self.closed);
        let parked = &self.parked;
        self.annotations.retain(|id, _| {
            letters.contains_key(id)
                || closed.contains_key(id)
                || parked.values().any(|letter| letter.id == Some(*id))
        });
    }
}

/// Returns the filter for the letters that wait, from the first on.
pub(crate) fn waiting(filter: &LetterFilter) -> LetterFilter {
    LetterFilter {
        status: Some(LetterStatus::Parked),
        after: None,
        ..filter.clone()
    }
}

/// Counts letters, each given by its component, its stream, its fault and its id.
pub(crate) fn groups<'a>(
    letters: impl Iterator<Item = (Option<&'a Component>, &'a StreamId, String, Uuid)>,
    limit: usize,
) -> Vec<FaultGroup> {
    type Key<'a> = (Option<&'a Component>, &'a Domain, String);
    let mut groups = BTreeMap::<Key<'a>, FaultGroup>::new();
    for (component, stream, fault, id) in letters {
        let key = (component, &stream.domain, fault.clone());
        let group = groups.entry(key).or_insert_with(|| FaultGroup {
            component: component.cloned(),
            domain: stream.domain.clone(),
            fault,
            count: 0,
            first: id,
            last: id,
        });
        group.count += 1;
        group.first = group.first.min(id);
        group.last = group.last.max(id);
    }
    let mut groups = groups.into_values().collect();
    FaultGroup::sort(&mut groups, limit);
    groups
}
