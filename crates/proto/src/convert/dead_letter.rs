//! Dead letters, and their three sides.

use seriatim_core::{
    Attempt, Conflict, DeadLetter, LetterFilter, LetterStatus, Sequence, StreamId, ThreeWay,
};

use super::command::command_book;
use super::effect::optional_effect;
use super::event::recorded_events;
use super::expectation::{field_paths, path_texts};
use super::identity::{domain, non_empty, optional_uuid, uuid};
use super::invalid::{Found, Invalid, required};
use super::state::state_view;
use super::time::{optional_time, time};
use crate::v1;

impl From<LetterStatus> for v1::DeadLetterStatus {
    fn from(status: LetterStatus) -> Self {
        match status {
            LetterStatus::Parked => Self::Parked,
            LetterStatus::Resolved => Self::Resolved,
            LetterStatus::Discarded => Self::Discarded,
        }
    }
}

/// A status by its number; `None` for "not said".
fn letter_status(number: i32) -> Result<Option<LetterStatus>, Invalid> {
    match v1::DeadLetterStatus::try_from(number) {
        Ok(v1::DeadLetterStatus::Unspecified) => Ok(None),
        Ok(v1::DeadLetterStatus::Parked) => Ok(Some(LetterStatus::Parked)),
        Ok(v1::DeadLetterStatus::Resolved) => Ok(Some(LetterStatus::Resolved)),
        Ok(v1::DeadLetterStatus::Discarded) => Ok(Some(LetterStatus::Discarded)),
        Err(_) => Err(Invalid::field(
            "status",
            format!("{number} is no status of a dead letter"),
        )),
    }
}

/// Which letters a `List` asks for. Its token is the id of the last letter of the page before.
pub fn letter_filter(request: &v1::DeadLetterServiceListRequest) -> Result<LetterFilter, Invalid> {
    let mut found = Found::default();
    let root = found.take(optional_uuid(request.root.as_ref(), "root"));
    let status = found.take(letter_status(request.status));
    let after = found.take(match request.page_token.as_str() {
        "" => Ok(None),
        token => token.parse().map(Some).map_err(|_| {
            Invalid::field(
                "page_token",
                "give the `next_page_token` of the page before",
            )
        }),
    });
    let domain = found.take(match request.domain.as_str() {
        "" if request.root.is_some() => Err(Invalid::field("domain", "a root needs its domain")),
        "" => Ok(None),
        name => domain(name, "domain").map(Some),
    });
    let read = (|| {
        let (domain, root) = (domain?, root?);
        Some(LetterFilter {
            stream: domain
                .clone()
                .zip(root)
                .map(|(domain, root)| StreamId::new(domain, root)),
            domain,
            status: status?,
            after: after?,
        })
    })();
    found.give(read)
}

impl From<&DeadLetter> for v1::DeadLetter {
    fn from(letter: &DeadLetter) -> Self {
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
            intervening: letter
                .intervening
                .map(|(first, last)| v1::dead_letter::SequenceRange {
                    first: first.0,
                    last: last.0,
                }),
            base_sha256_hex: letter.base_hash.clone().unwrap_or_default(),
            reason: Some((&letter.reason).into()),
            parked_at: Some(letter.parked_at.into()),
            attempts: letter.attempts.iter().map(Into::into).collect(),
            status: v1::DeadLetterStatus::from(letter.status).into(),
            effect: letter.request.effect.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::DeadLetter> for DeadLetter {
    type Error = Invalid;

    fn try_from(letter: v1::DeadLetter) -> Result<Self, Invalid> {
        let premises = field_paths(letter.premises, "premises")?;
        let mut request = command_book(letter.book)?.with(premises);
        request.id = uuid(letter.request_id.as_ref(), "request_id")?;
        request.metadata.causation_id =
            optional_uuid(letter.causation_id.as_ref(), "causation_id")?;
        request.metadata.actor = non_empty(letter.actor);
        request.metadata.sent_at = optional_time(letter.sent_at, "sent_at")?;
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

impl From<&Attempt> for v1::dead_letter::Attempt {
    fn from(attempt: &Attempt) -> Self {
        Self {
            at: Some(attempt.at.into()),
            actor: attempt.actor.clone().unwrap_or_default(),
            result: attempt.result.clone(),
        }
    }
}

impl TryFrom<v1::dead_letter::Attempt> for Attempt {
    type Error = Invalid;

    fn try_from(attempt: v1::dead_letter::Attempt) -> Result<Self, Invalid> {
        Ok(Self {
            at: time(attempt.at, "attempts.at")?,
            actor: non_empty(attempt.actor),
            result: attempt.result,
        })
    }
}

impl From<&ThreeWay> for v1::DeadLetterServiceGetResponse {
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

impl TryFrom<v1::DeadLetterServiceGetResponse> for ThreeWay {
    type Error = Invalid;

    fn try_from(view: v1::DeadLetterServiceGetResponse) -> Result<Self, Invalid> {
        let letter = required(view.letter, "letter", "every answer has one")?;
        let letter = DeadLetter::try_from(letter).map_err(|invalid| invalid.within("letter"))?;
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
