//! Parked streams, and closed letters. The callers have checked that the tenure is in force.

use seriatim_core::{
    Component, Hold, LetterFilter, LetterStatus, Parked, ReactionLetter, Sequence, StreamId,
    Tenure, Timestamp, Verb, Wish, Work,
};

use crate::Log;

impl Log {
    pub(crate) fn park(&mut self, tenure: &Tenure, parked: &Parked) {
        let key = (tenure.work.clone(), parked.stream.clone());
        // A stream that is already parked begins at an earlier event.
        self.parked.entry(key).or_insert_with(|| parked.clone());
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
        let Some(parked) = self.parked.get_mut(&key) else {
            return Hold::Lost;
        };
        if parked.sequence != from {
            return Hold::Lost;
        }
        if let Some(letter) = parked.as_letter() {
            self.closed.insert(letter.id, closed(letter, now));
        }
        match to {
            Some(to) => {
                parked.sequence = to;
                parked.letter = None;
                parked.tries = 0;
                parked.attempts.clear();
                if let Some(wish) = &mut parked.wish {
                    // The event to skip was passed.
                    wish.verb = Verb::Resubmit;
                }
            }
            None => {
                self.parked.remove(&key);
            }
        }
        Hold::Held
    }

    pub(crate) fn park_again(&mut self, tenure: &Tenure, again: &Parked) -> Hold {
        let key = (tenure.work.clone(), again.stream.clone());
        let kept = self.parked.get_mut(&key);
        let has_not =
            |parked: &&mut Parked| parked.sequence == again.sequence && parked.tries < again.tries;
        let Some(parked) = kept.filter(has_not) else {
            return Hold::Lost;
        };
        parked.letter = again.letter;
        parked.since = again.since;
        parked.failure.clone_from(&again.failure);
        parked.tries = again.tries;
        parked.attempts.clone_from(&again.attempts);
        parked.wish = None;
        Hold::Held
    }

    pub(crate) fn decide(
        &mut self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        wish: &Wish,
    ) -> bool {
        let kept = self.parked.get_mut(&(work.clone(), stream.clone()));
        let undecided = kept.filter(|parked| parked.sequence == sequence && parked.wish.is_none());
        undecided.is_some_and(|parked| {
            parked.wish = Some(wish.clone());
            true
        })
    }

    pub(crate) fn parked_of(&self, component: Option<&Component>) -> Vec<Parked> {
        let all = self.parked.values();
        let wanted = all.filter(|parked| is_of(&parked.work, component));
        wanted.cloned().collect()
    }

    pub(crate) fn closed_of(
        &self,
        component: &Component,
        filter: &LetterFilter,
        limit: usize,
    ) -> Vec<ReactionLetter> {
        let all = self.closed.values().cloned();
        let wanted = |letter: &ReactionLetter| {
            letter.work.component == *component
                && filter.matches(letter.id, &letter.stream, letter.status)
        };
        let mut found: Vec<_> = all.filter(wanted).collect();
        filter.sort(&mut found, |letter| letter.id, limit);
        found
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

fn is_of(work: &Work, component: Option<&Component>) -> bool {
    component.is_none_or(|component| *component == work.component)
}
