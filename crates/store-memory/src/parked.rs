//! Letters about events, parked and closed. A caller that writes as an owner has checked that the tenure is in force.

use seriatim_core::{
    Component, FaultGroup, Hold, LetterDecision, LetterFilter, LetterStatus, ReactionLetter,
    Sequence, StreamId, Tenure, Timestamp, Verb, Work,
};
use uuid::Uuid;

use crate::{Log, annotation};

impl Log {
    pub(crate) fn park(&mut self, tenure: &Tenure, letter: &ReactionLetter) {
        let key = (tenure.work.clone(), letter.stream.clone());
        // A stream that is already parked begins at an earlier event.
        self.parked.entry(key).or_insert_with(|| letter.clone());
    }

    pub(crate) fn advance_parked(
        &mut self,
        tenure: &Tenure,
        stream: &StreamId,
        from: Sequence,
        to: Option<Sequence>,
    ) -> Hold {
        let key = (tenure.work.clone(), stream.clone());
        let now = self.clock.now();
        let kept = self.parked.get_mut(&key);
        let Some(parked) = kept.filter(|parked| parked.sequence == from) else {
            return Hold::Lost;
        };
        if let Some(id) = parked.id {
            self.closed.insert(id, closed(parked.clone(), now));
        }
        match to {
            Some(to) => {
                parked.sequence = to;
                parked.id = None;
                parked.tries = 0;
                parked.attempts.clear();
                if let Some(decision) = &mut parked.decision {
                    // The event to skip was passed.
                    decision.verb = Verb::Resubmit;
                }
            }
            None => {
                self.parked.remove(&key);
            }
        }
        Hold::Held
    }

    pub(crate) fn park_again(&mut self, tenure: &Tenure, again: &ReactionLetter) -> Hold {
        let key = (tenure.work.clone(), again.stream.clone());
        let kept = self.parked.get_mut(&key);
        let has_not = |parked: &&mut ReactionLetter| {
            parked.sequence == again.sequence && parked.tries < again.tries
        };
        let Some(parked) = kept.filter(has_not) else {
            return Hold::Lost;
        };
        *parked = ReactionLetter {
            decision: None,
            ..again.clone()
        };
        Hold::Held
    }

    pub(crate) fn decide(
        &mut self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        decision: &LetterDecision,
    ) -> bool {
        let kept = self.parked.get_mut(&(work.clone(), stream.clone()));
        let undecided =
            kept.filter(|parked| parked.sequence == sequence && parked.decision.is_none());
        undecided.is_some_and(|parked| {
            parked.decision = Some(decision.clone());
            true
        })
    }

    pub(crate) fn parked_of(&self, component: Option<&Component>) -> Vec<ReactionLetter> {
        let is_of = |parked: &&ReactionLetter| {
            component.is_none_or(|component| *component == parked.work.component)
        };
        self.parked.values().filter(is_of).cloned().collect()
    }

    pub(crate) fn letters_of(&self, filter: &LetterFilter, limit: usize) -> Vec<ReactionLetter> {
        let all = self.parked.values().chain(self.closed.values());
        let matching = all.filter(|letter| self.passes(filter, letter));
        let mut found: Vec<_> = matching.cloned().collect();
        filter.sort(&mut found, |letter| letter.id, limit);
        found
    }

    fn passes(&self, filter: &LetterFilter, letter: &ReactionLetter) -> bool {
        filter.matches_reaction(letter) && letter.id.is_some_and(|id| self.is_for(filter, id))
    }

    pub(crate) fn groups_of(&self, filter: &LetterFilter, limit: usize) -> Vec<FaultGroup> {
        let filter = annotation::waiting(filter);
        let letters = self.parked.values();
        let matching = letters.filter(|letter| self.passes(&filter, letter));
        let matching = matching.filter_map(|letter| {
            let component = Some(&letter.work.component);
            Some((component, &letter.stream, letter.fault(), letter.id?))
        });
        annotation::groups(matching, limit)
    }

    pub(crate) fn letter_of(&self, id: Uuid) -> Option<ReactionLetter> {
        let mut parked = self.parked.values();
        let parked = parked.find(|letter| letter.id == Some(id));
        parked.or_else(|| self.closed.get(&id)).cloned()
    }
}

fn closed(letter: ReactionLetter, at: Timestamp) -> ReactionLetter {
    let verb = letter.decision.as_ref().map(|decision| decision.verb);
    ReactionLetter {
        status: match verb {
            Some(Verb::Discard) => LetterStatus::Discarded,
            Some(Verb::Resubmit) | None => LetterStatus::Resolved,
        },
        closed_at: Some(at),
        ..letter
    }
}
