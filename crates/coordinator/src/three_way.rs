//! A dead letter, seen from three sides: what its sender knew, what is there now, and what it would have done.

use std::sync::Arc;

use seriatim_core::merge::{Collision, Resolution, resolve};
use seriatim_core::{
    Aggregate, CommandLetter, ConflictReason, Fault, MergeStrategy, QueryError, Sequence,
    Simulated, StreamId, ThreeWay, decide_all, decode_command,
};

use crate::collision;
use crate::guard::guarded;
use crate::history::{self, Standing, decode_all, events_between};
use crate::host::Shared;
use crate::judge::draft;
use crate::view::{broken, commits, in_trouble, to_view, unavailable};

/// Base, theirs and yours of a letter, as things stand now.
pub(crate) async fn examine<A: Aggregate>(
    shared: &Shared,
    letter: CommandLetter,
) -> Result<ThreeWay, QueryError> {
    let stream = letter.stream().clone();
    let log = &shared.log;
    let trouble = |trouble| in_trouble(shared, &stream, trouble);
    let fault = |fault| broken(&stream, fault);

    let believed = letter.conflict.expected.believed().flatten();
    let base = collision::base::<A>(log, &stream, believed)
        .await
        .map_err(trouble)?;
    let theirs: Standing<A> = history::load(log, &stream, None).await.map_err(trouble)?;
    let behind = Sequence::count(theirs.current).saturating_sub(Sequence::count(believed));
    let recorded = events_between(
        log,
        &stream,
        believed,
        theirs.current,
        shared.settings.compared_events as usize,
    )
    .await
    .map_err(|error| unavailable(shared, error))?;

    let commands = commands::<A>(&letter).map_err(fault)?;
    let yours = yours(&stream, base.clone(), &commands).map_err(fault)?;
    let obstacle = match behind > recorded.len() as u64 {
        true => Some(ConflictReason::TooFarBehind {
            behind,
            limit: u64::from(shared.settings.compared_events),
        }),
        false => {
            let intervening = decode_all::<A>(&recorded).map_err(fault)?;
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

/// What was asked for, in today's shape.
fn commands<A: Aggregate>(letter: &CommandLetter) -> Result<Vec<A::Command>, Fault> {
    let all = letter.request.commands.iter();
    all.map(|payload| {
        let decoded = guarded("deserialize", || decode_command::<A>(payload))?;
        decoded.map_err(|error| Fault::Unreadable {
            what: "command",
            why: error.to_string(),
        })
    })
    .collect()
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
