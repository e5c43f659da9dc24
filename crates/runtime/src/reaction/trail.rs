//! Describes how an event came about: the reactions that led to it, the last of them first.

use std::fmt::Write;

use seriatim_core::{
    ClaimKey, EffectId, EventStore, FirstResult, RecordedEvent, Sequence, StoreError, StreamId,
};

/// The number of turns that are shown: enough to see two or three components that answer one another.
const TURNS: usize = 6;

/// The most claims of a stream that are searched.
const CLAIMS: usize = 10_000;

/// The number of claims that are read at once.
const PAGE: usize = 500;

/// Returns the last turns that led to an event, as text for people. It is empty if they are not known.
pub(crate) async fn trail(
    outcomes: &dyn EventStore,
    event: &RecordedEvent,
) -> Result<String, StoreError> {
    let mut text = String::new();
    let mut place = (event.stream.clone(), event.sequence);
    for turn in 0..TURNS {
        let Some(effect) = cause(outcomes, &place.0, place.1).await? else {
            break;
        };
        let (stream, sequence) = place;
        let begin = if turn == 0 { "; the last were" } else { "," };
        write!(
            text,
            "{begin} {sequence} of {stream} by {}",
            effect.component
        )
        .expect("a string takes what is written");
        place = (effect.source, effect.sequence);
    }
    Ok(text)
}

/// Returns the effect that an event came from. Returns `None` if a sender wrote it, or if the effect is not found among
/// so many claims.
async fn cause(
    outcomes: &dyn EventStore,
    stream: &StreamId,
    sequence: Sequence,
) -> Result<Option<EffectId>, StoreError> {
    let mut after = String::new();
    for _ in 0..CLAIMS / PAGE {
        let claims = outcomes.claims(Some((stream, &after)), PAGE).await?;
        let of_it = claims.iter().take_while(|claim| claim.stream == *stream);
        let mut last = None;
        for claim in of_it {
            let has_written = matches!(
                claim.record.first,
                FirstResult::Committed { first, last, .. } if (first..=last).contains(&sequence)
            );
            match ClaimKey::of(&claim.external_id) {
                ClaimKey::Effect(id) | ClaimKey::Return(id) if has_written => return Ok(Some(id)),
                _ => last = Some(&claim.external_id),
            }
        }
        match last {
            Some(last) if claims.len() == PAGE => after.clone_from(last),
            _ => break,
        }
    }
    Ok(None)
}
