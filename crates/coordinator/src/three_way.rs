//! A dead letter, seen from three sides: what its sender knew, what is there now, and what it would have done.

use std::sync::Arc;

use seriatim_core::merge::{Collision, Resolution, resolve};
use seriatim_core::{
    Aggregate, CommandLetter, ConflictReason, Fault, MergeStrategy, Message, QueryError, Sequence,
    Simulated, StreamId, ThreeWay, decide_all,
};

use crate::collision;
use crate::guard::guarded;
use crate::history::{self, Standing, cut, decode, events_between};
use crate::host::Shared;
use crate::judge::draft;
use crate::view::{broken, commits, in_trouble, to_view, unavailable};

/// Base, theirs and yours of a letter, as things stand now.
pub(crate) async fn examine<A: Aggregate>(
    shared: &Shared,
    letter: CommandLetter,
) -> Result<ThreeWay, QueryError> {
    let stream = letter.stream().clone();
    let store = &*shared.store;
    let trouble = |trouble| in_trouble(shared, &stream, trouble);
    let fault = |fault| broken(&stream, fault);

    let believed = letter.conflict.expected.believed().flatten();
    let base = collision::base::<A>(store, &stream, believed)
        .await
        .map_err(trouble)?;
    let theirs: Standing<A> = history::load(store, &stream, None).await.map_err(trouble)?;
    let behind = Sequence::count(theirs.current).saturating_sub(Sequence::count(believed));
    let recorded = events_between(
        store,
        &stream,
        believed,
        theirs.current,
        shared.settings.compared_events as usize,
    )
    .await
    .map_err(|error| unavailable(shared, error))?;

    let commands = letter
        .request
        .commands
        .iter()
        .map(A::Command::decode)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            fault(Fault::Unreadable {
                what: "command",
                why: error.to_string(),
            })
        })?;
    let yours = yours(&stream, base.clone(), &commands).map_err(fault)?;
    let obstacle = match behind > recorded.len() as u64 {
        true => Some(ConflictReason::TooFarBehind {
            behind,
            limit: u64::from(shared.settings.compared_events),
        }),
        false => {
            let intervening = recorded
                .iter()
                .map(|event| decode::<A>(event.sequence, event.payload.clone()))
                .collect::<Result<Vec<_>, _>>()
                .map_err(fault)?;
            obstacle(&Collision {
                commands: &commands,
                base: &base.state,
                intervening: &intervening,
                current: &theirs.state,
                premises: &letter.request.premises,
            })
            .map_err(fault)?
        }
    };
    let mut intervening = recorded;
    intervening.truncate(shared.settings.shown_events);
    cut(&mut intervening);
    Ok(ThreeWay {
        base: to_view(&stream, &base).map_err(fault)?,
        theirs: to_view(&stream, &theirs).map_err(fault)?,
        intervening,
        intervening_total: behind,
        yours,
        obstacle,
        letter,
    })
}

fn yours<A: Aggregate>(
    stream: &StreamId,
    base: Standing<A>,
    commands: &[A::Command],
) -> Result<Simulated, Fault> {
    match guarded("decide", || decide_all(&base.state, commands))? {
        Err(rejection) => Ok(Simulated::Rejected((&rejection).into())),
        Ok(events) if events.is_empty() => Ok(Simulated::Unchanged),
        Ok(events) => {
            let metadata = Arc::default();
            let drafts = events
                .into_iter()
                .map(|event| draft(event, &metadata))
                .collect::<Result<_, _>>()?;
            commits(stream, base, drafts, false)
        }
    }
}

fn obstacle<A: Aggregate>(collision: &Collision<'_, A>) -> Result<Option<ConflictReason>, Fault> {
    let resolution = guarded("merge", || resolve(MergeStrategy::Commutative, collision))?;
    Ok(match resolution {
        Resolution::Proceed(_) | Resolution::Park(_) => None,
        Resolution::Reject(_) => Some(ConflictReason::RejectedNow),
        Resolution::Refuse { reason, .. } => Some(reason),
    })
}
