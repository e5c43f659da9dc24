//! Putting what became of a job into words for its sender.

use std::collections::VecDeque;

use seriatim_core::{
    Aggregate, ClaimRecord, Outcome, Receipt, Sequence, SequenceConflict, StoreError, StreamId,
    SubmitError, Unavailable,
};

use crate::collision;
use crate::history::{Trouble, events_between};
use crate::host::Shared;
use crate::job::Job;
use crate::judge::Refusal;

/// What became of a job.
#[derive(Debug)]
pub(crate) enum Answer {
    Done(Outcome),
    Unchanged(Option<Sequence>),
    /// Its external id was spent before.
    Claimed(ClaimRecord),
    No(Refusal),
    /// Others were faster this many times.
    Contended(u32),
    /// Its commit failed.
    Unsettled(StoreError),
}

/// Answers a job.
///
/// Whoever repeats an external id gets the first result, also where a new command would be refused. The claim is
/// looked up only before saying no: on the way to "yes" the append itself checks it.
pub(crate) async fn reply<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    job: Job<A>,
    answer: Answer,
) {
    let answer = match (answer, &job.claim) {
        (Answer::No(refusal), Some(claim)) => {
            match shared.store.find_claim(stream, &claim.external_id).await {
                Ok(Some(record)) => Answer::Claimed(record),
                Ok(None) => Answer::No(refusal),
                Err(error) => Answer::Unsettled(error),
            }
        }
        (answer, _) => answer,
    };
    let words = words(shared, stream, &job, answer).await;
    job.answer(words);
}

/// Answers all jobs of a stream whose state could not be built.
pub(crate) async fn all_in_trouble<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    jobs: VecDeque<Job<A>>,
    trouble: &Trouble,
) {
    for job in jobs {
        reply(shared, stream, job, Answer::No(trouble.into())).await;
    }
}

async fn words<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    job: &Job<A>,
    answer: Answer,
) -> Result<Receipt, SubmitError> {
    let stream = stream.clone();
    let outcome = match answer {
        Answer::Done(outcome) => outcome,
        Answer::Unchanged(current) => Outcome::Unchanged { current },
        Answer::Claimed(record) => match &job.claim {
            Some(claim) if claim.content != record.content => {
                return Err(SubmitError::ExternalIdReused {
                    stream,
                    external_id: claim.external_id.clone(),
                    first: record.first,
                });
            }
            Some(_) | None => Outcome::Duplicate(record.first),
        },
        Answer::No(refusal) => return Err(refused(shared, stream, refusal).await),
        Answer::Contended(attempts) => return Err(SubmitError::Contended { stream, attempts }),
        Answer::Unsettled(error) => return Err(unavailable(shared, error)),
    };
    Ok(Receipt {
        stream,
        correlation_id: job.correlation_id.clone(),
        outcome,
    })
}

pub(crate) async fn refused(shared: &Shared, stream: StreamId, refusal: Refusal) -> SubmitError {
    match refusal {
        Refusal::Rejected(rejected) => SubmitError::Rejected(rejected),
        Refusal::Beyond(conflict) => SubmitError::BeyondCurrent { stream, conflict },
        Refusal::Full(source) => SubmitError::StreamFull { stream, source },
        Refusal::Broken(fault) => SubmitError::Broken { stream, fault },
        Refusal::Unavailable(error) => unavailable(shared, error),
        Refusal::Conflict {
            conflict,
            strategy,
            reason,
            rejection,
        } => {
            let believed = conflict.expected.believed().flatten();
            let shown = shared.settings.shown_events;
            let intervening =
                events_between(&*shared.store, &stream, believed, conflict.current, shown).await;
            match intervening {
                Ok(intervening) => SubmitError::Conflict(Box::new(SequenceConflict {
                    stream,
                    conflict,
                    strategy,
                    reason,
                    intervening,
                    intervening_total: collision::behind(conflict),
                    rejection,
                })),
                Err(error) => unavailable(shared, error),
            }
        }
    }
}

pub(crate) fn unavailable(shared: &Shared, error: StoreError) -> SubmitError {
    SubmitError::Unavailable {
        retry_after: shared.settings.retry_after,
        source: Unavailable::Store(error),
    }
}
