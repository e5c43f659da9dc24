//! Runs the one loop: judges what waits for a stream, appends it in one commit, and settles each job.
//!
//! The commands of a round are decided one on top of another, each on the state that its predecessor *will* leave, so
//! that one hot aggregate is not limited to one command per disk sync. An answer that rests on events which are not
//! durable yet, a "no" included, is given only once they are; if they are not written, the command is judged anew.

use std::collections::VecDeque;
use std::sync::Arc;

use seriatim_core::{
    Aggregate, AppendOutcome, Commit, Outcome, Position, RecordedEvent, Sequence, StoreError,
    StoreErrorKind, StreamFull, StreamId, Timestamp,
};

use crate::answer::{self, Answer};
use crate::chain::{Chain, Plan, Planned, Step};
use crate::commit::commit;
use crate::history::Standing;
use crate::job::Job;
use crate::judge::Refusal;
use crate::shared::Shared;

/// Runs `jobs` once at `standing`, which may be wrong unless it `is_loaded`. Answers those that are settled, and returns
/// those that must go round again, in order.
///
/// `kept` becomes the state after this round, if that is known.
pub(crate) async fn round<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    standing: Standing<A>,
    is_loaded: bool,
    jobs: VecDeque<Job<A>>,
    kept: &mut Option<Standing<A>>,
) -> VecDeque<Job<A>> {
    let mut chain = Chain::new(shared, stream, standing, is_loaded);
    let mut waiting = jobs;
    chain.judge(&mut waiting).await;

    let appends = std::mem::take(&mut chain.appends);
    let outcomes = match appends.is_empty() {
        true => Ok(Vec::new()),
        false => commit(shared, stream, &chain.steps, appends).await,
    };
    let mut settled = settle(shared, stream, chain, outcomes, kept);
    for (job, refusal) in settled.refused {
        // This is boxed: a "no" may have to read, and would make the task of every command larger.
        Box::pin(answer::refuse(shared, stream, job, refusal)).await;
    }
    settled.again.append(&mut waiting);
    settled.again
}

/// The jobs that are not answered yet.
struct Settled<A: Aggregate> {
    /// They are refused.
    refused: Vec<(Job<A>, Refusal)>,
    /// They must go round again, in this order.
    again: VecDeque<Job<A>>,
}

/// Answers the steps, as long as the state that each was decided on has become true. Returns the jobs of the others, and
/// those that are refused.
fn settle<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    chain: Chain<'_, A>,
    outcomes: Result<Vec<AppendOutcome>, StoreError>,
    kept: &mut Option<Standing<A>>,
) -> Settled<A> {
    let (mut refused, mut again) = (Vec::new(), VecDeque::new());
    let mut outcomes = outcomes.map(Vec::into_iter);
    let mut holds = true;
    for Step { mut job, plan } in chain.steps {
        let answer = match plan {
            Plan::Answer(answer) if holds => Some(answer),
            Plan::Answer(_) => None,
            Plan::Append(planned) => {
                let outcome = match &mut outcomes {
                    Ok(outcomes) => outcomes.next().ok_or_else(missing_outcome),
                    Err(error) => Err(error.clone()),
                };
                // Behind a predecessor that lost, the job never had a chance; that is not counted as an attempt.
                let lost = u32::from(holds);
                holds &= came_true(&planned, &outcome);
                match outcome {
                    Ok(AppendOutcome::Conflict { .. }) => {
                        shared.commits.lost_race();
                        job.attempts += lost;
                        let spent = job.attempts >= shared.settings.attempts;
                        spent.then_some(Answer::Contended(job.attempts))
                    }
                    outcome => Some(answer_to(stream, planned, outcome)),
                }
            }
        };
        match answer {
            Some(answer) => refused.extend(answer::reply(shared, stream, job, answer)),
            None => again.push_back(job),
        }
    }
    if holds && chain.sound {
        *kept = Some(chain.standing);
    }
    Settled { refused, again }
}

/// Returns whether the state that the next steps were decided on is the store's.
fn came_true(planned: &Planned, outcome: &Result<AppendOutcome, StoreError>) -> bool {
    match (outcome, planned) {
        (Ok(AppendOutcome::Written { .. }), _) => true,
        (Ok(AppendOutcome::Conflict { .. }) | Err(_), _) => false,
        // Nothing is decided on events that an append does not have.
        (
            Ok(AppendOutcome::Claimed(_) | AppendOutcome::StreamFull),
            Planned::Events { events, .. },
        ) => events.is_empty(),
        (
            Ok(AppendOutcome::Claimed(_) | AppendOutcome::StreamFull),
            Planned::Letter { .. } | Planned::Rejection(_) | Planned::Check(_),
        ) => true,
    }
}

/// Returns the answer to an append, unless its job must go round again.
fn answer_to(
    stream: &StreamId,
    planned: Planned,
    outcome: Result<AppendOutcome, StoreError>,
) -> Answer {
    match outcome {
        Err(error) if matches!(planned, Planned::Check(_)) => Answer::No(Refusal::Store(error)),
        Ok(AppendOutcome::Written {
            position,
            recorded_at,
        }) => done(stream, planned, position, recorded_at),
        Ok(AppendOutcome::Claimed(record)) => Answer::Claimed(record),
        Ok(AppendOutcome::StreamFull) => Answer::No(Refusal::Full(StreamFull)),
        Ok(AppendOutcome::Conflict { .. }) => unreachable!("a conflict goes round again"),
        Err(error) => Answer::Unsettled(error),
    }
}

fn missing_outcome() -> StoreError {
    StoreError::new(
        "append events",
        StoreErrorKind::Corrupt,
        "it answered fewer appends than it was given",
    )
}

/// Returns the receipt for what was written. The last event is at `position`, the others are just before it.
fn done(stream: &StreamId, planned: Planned, position: Position, recorded_at: Timestamp) -> Answer {
    let (after, events, merged) = match planned {
        Planned::Letter { id, reason } => {
            let reason = reason.to_string();
            tracing::info!(%stream, letter = %id, reason, "a command was parked");
            return Answer::Done(Outcome::DeadLettered { id, reason });
        }
        Planned::Rejection(rejected) => return Answer::Rejected(rejected),
        Planned::Check(answer) => return answer,
        Planned::Events { after, events, .. } if events.is_empty() => {
            return Answer::Unchanged(after);
        }
        Planned::Events {
            after,
            events,
            merged,
        } => (after, events, merged),
    };
    let first = after.map_or(0, |Sequence(last)| last + 1);
    let first_position = position.0 + 1 - events.len() as u64;
    let events: Vec<RecordedEvent> = (0u32..)
        .zip(events.iter())
        .map(|(place, event)| RecordedEvent {
            id: event.id,
            stream: stream.clone(),
            sequence: Sequence(first + place),
            position: Position(first_position + u64::from(place)),
            recorded_at,
            payload: event.payload.clone(),
            metadata: Arc::clone(&event.metadata),
        })
        .collect();
    Answer::Done(Outcome::Committed(Commit {
        first: Sequence(first),
        last: events.last().map_or(Sequence(first), |last| last.sequence),
        position,
        merged,
        events,
    }))
}
