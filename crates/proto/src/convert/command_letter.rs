//! Converts parked commands and their three sides.

use seriatim_core::{CommandLetter, Conflict, Sequence, ThreeWay};

use super::command::command_book;
use super::desk::letter_status;
use super::effect::{effect_id, optional_effect};
use super::event::recorded_events;
use super::expectation::{field_paths, path_texts};
use super::identity::{non_empty, optional_uuid, uuid};
use super::invalid::{Invalid, required};
use super::state::state_view;
use super::time::{optional_time, time};
use crate::v1;

impl From<&CommandLetter> for v1::CommandLetter {
    fn from(letter: &CommandLetter) -> Self {
        let metadata = &letter.request.metadata;
        Self {
            id: Some(letter.id.into()),
            book: Some((&letter.request).into()),
            premises: path_texts(&letter.request.premises),
            request_id: Some(letter.request.id.into()),
            causation_id: metadata.causation_id.map(Into::into),
            actor: metadata.actor.clone().unwrap_or_default(),
            sent_at: metadata.sent_at.map(Into::into),
            current: letter.conflict.current.map(|Sequence(current)| current),
            intervening: letter.intervening.map(|(first, last)| {
                v1::command_letter::SequenceRange {
                    first: first.0,
                    last: last.0,
                }
            }),
            base_sha256_hex: letter.base_hash.clone().unwrap_or_default(),
            reason: Some((&letter.reason).into()),
            parked_at: Some(letter.parked_at.into()),
            attempts: letter.attempts.iter().map(Into::into).collect(),
            status: v1::DeadLetterStatus::from(letter.status).into(),
            effect: (letter.request.effect.as_ref())
                .map(|effect| effect_id(effect, metadata.depth)),
        }
    }
}

impl TryFrom<v1::CommandLetter> for CommandLetter {
    type Error = Invalid;

    fn try_from(letter: v1::CommandLetter) -> Result<Self, Invalid> {
        let premises = field_paths(letter.premises, "premises")?;
        let book = command_book(letter.book)?;
        let id = uuid(letter.request_id.as_ref(), "request_id")?;
        let mut request = book.with(Some(id), premises);
        request.metadata.causation_id =
            optional_uuid(letter.causation_id.as_ref(), "causation_id")?;
        request.metadata.actor = non_empty(letter.actor);
        request.metadata.sent_at = optional_time(letter.sent_at, "sent_at")?;
        request.metadata.depth = letter.effect.as_ref().map_or(0, |effect| effect.depth);
        request.effect = optional_effect(letter.effect)?;
        Ok(Self {
            id: uuid(letter.id.as_ref(), "id")?,
            conflict: Conflict {
                expected: request.expected,
                current: letter.current.map(Sequence),
            },
            request,
            intervening: letter
                .intervening
                .map(|range| (Sequence(range.first), Sequence(range.last))),
            base_hash: non_empty(letter.base_sha256_hex),
            reason: letter.reason.unwrap_or_default().try_into()?,
            parked_at: time(letter.parked_at, "parked_at")?,
            attempts: letter
                .attempts
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            status: required(letter_status(letter.status)?, "status", "give one")?,
        })
    }
}

impl From<&ThreeWay> for v1::ThreeWay {
    fn from(view: &ThreeWay) -> Self {
        Self {
            letter: Some((&view.letter).into()),
            base: Some((&view.base).into()),
            theirs: Some((&view.theirs).into()),
            intervening: view.intervening.iter().map(Into::into).collect(),
            intervening_total: view.intervening_total,
            yours: Some((&view.yours).into()),
            obstacle: view.obstacle.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::ThreeWay> for ThreeWay {
    type Error = Invalid;

    fn try_from(view: v1::ThreeWay) -> Result<Self, Invalid> {
        let letter = required(view.letter, "letter", "every answer has one")?;
        let letter = CommandLetter::try_from(letter).map_err(|invalid| invalid.within("letter"))?;
        Ok(Self {
            base: state_view(view.base, "base")?,
            theirs: state_view(view.theirs, "theirs")?,
            intervening: recorded_events(view.intervening, letter.stream(), "intervening")?,
            intervening_total: view.intervening_total,
            yours: view.yours.unwrap_or_default().try_into()?,
            obstacle: view.obstacle.map(TryInto::try_into).transpose()?,
            letter,
        })
    }
}
