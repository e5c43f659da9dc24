//! Converts letters about events that components could not handle.

use seriatim_core::{GivenUp, LetterDecision, ReactionLetter, Sequence, Verb};

use super::desk::{letter_status, verb};
use super::event::recorded_event;
use super::identity::{cover, non_empty, stream, uuid};
use super::invalid::{Invalid, required};
use super::operator::work;
use super::time::{optional_time, time};
use crate::v1;

impl From<&ReactionLetter> for v1::ReactionLetter {
    fn from(letter: &ReactionLetter) -> Self {
        Self {
            id: letter.id.map(Into::into),
            work: Some((&letter.work).into()),
            cover: Some(cover(&letter.stream)),
            sequence: letter.sequence.0,
            failure: letter.failure.clone(),
            tries: letter.tries,
            parked_at: Some(letter.parked_at.into()),
            attempts: letter.attempts.iter().map(Into::into).collect(),
            decision: letter.decision.as_ref().map(Into::into),
            status: v1::DeadLetterStatus::from(letter.status).into(),
            closed_at: letter.closed_at.map(Into::into),
        }
    }
}

impl TryFrom<v1::ReactionLetter> for ReactionLetter {
    type Error = Invalid;

    fn try_from(letter: v1::ReactionLetter) -> Result<Self, Invalid> {
        let attempts = letter.attempts.into_iter().map(TryInto::try_into);
        Ok(Self {
            id: Some(uuid(letter.id.as_ref(), "id")?),
            work: work(letter.work)?,
            stream: stream(letter.cover.as_ref())?,
            sequence: Sequence(letter.sequence),
            failure: letter.failure,
            tries: letter.tries,
            parked_at: time(letter.parked_at, "parked_at")?,
            attempts: attempts.collect::<Result<_, _>>()?,
            decision: letter.decision.map(TryInto::try_into).transpose()?,
            status: required(letter_status(letter.status)?, "status", "give one")?,
            closed_at: optional_time(letter.closed_at, "closed_at")?,
        })
    }
}

impl From<&LetterDecision> for v1::dead_letter::Decision {
    fn from(decision: &LetterDecision) -> Self {
        Self {
            verb: v1::DeadLetterVerb::from(decision.verb).into(),
            actor: decision.actor.clone().unwrap_or_default(),
            reason: decision.reason.clone().unwrap_or_default(),
            at: Some(decision.at.into()),
        }
    }
}

impl TryFrom<v1::dead_letter::Decision> for LetterDecision {
    type Error = Invalid;

    fn try_from(decision: v1::dead_letter::Decision) -> Result<Self, Invalid> {
        Ok(Self {
            verb: verb(decision.verb)?,
            actor: non_empty(decision.actor),
            reason: non_empty(decision.reason),
            at: time(decision.at, "at")?,
        })
    }
}

impl From<Verb> for v1::DeadLetterVerb {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Resubmit => Self::Resubmit,
            Verb::Discard => Self::Discard,
        }
    }
}

impl From<&GivenUp> for v1::GivenUp {
    fn from(given_up: &GivenUp) -> Self {
        Self {
            letter: Some((&given_up.letter).into()),
            event: given_up.event.as_ref().map(Into::into),
            followers: given_up.followers,
            more_followers: given_up.more_followers,
        }
    }
}

impl TryFrom<v1::GivenUp> for GivenUp {
    type Error = Invalid;

    fn try_from(given_up: v1::GivenUp) -> Result<Self, Invalid> {
        let letter = required(given_up.letter, "letter", "every answer has one")?;
        let letter = ReactionLetter::try_from(letter);
        let letter = letter.map_err(|invalid| invalid.within("letter"))?;
        let event = given_up
            .event
            .map(|page| recorded_event(page, &letter.stream));
        Ok(Self {
            event: event
                .transpose()
                .map_err(|invalid| invalid.within("event"))?,
            followers: given_up.followers,
            more_followers: given_up.more_followers,
            letter,
        })
    }
}
