//! Tells the sender of a job its outcome.

use std::collections::VecDeque;

use seriatim_core::{
    Aggregate, ClaimRecord, FirstResult, Outcome, Receipt, Rejected, Sequence, SequenceConflict,
    StoreError, StreamId, SubmitError,
};

use crate::collision;
use crate::history::{Trouble, first_between};
use crate::job::Job;
use crate::judge::Refusal;
use crate::shared::Shared;

/// The outcome of a job.
#[derive(Debug)]
pub(crate) enum Answer {
    Done(Outcome),
    Unchanged(Option<Sequence>),
    /// Its external id was spent before.
    Claimed(ClaimRecord),
    No(Refusal),
    /// The domain rejected an effect, and the rejection is recorded.
    Rejected(Rejected),
    /// Other writers were faster this many times.
    Contended(u32),
    /// Its commit failed.
    Unsettled(StoreError),
}

/// Answers a job, unless it is refused. Returns a refused job, for which more must be read: see [`refuse`].
pub(crate) fn reply<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    job: Job<A>,
    answer: Answer,
) -> Option<(Job<A>, Refusal)> {
    let words = match answer {
        Answer::No(refusal) => return Some((job, refusal)),
        Answer::Done(outcome) => Ok(receipt(stream, &job, outcome)),
        Answer::Unchanged(current) => Ok(receipt(stream, &job, Outcome::Unchanged { current })),
        Answer::Claimed(record) => claimed(stream, &job, record),
        Answer::Rejected(rejected) => Err(SubmitError::Rejected(rejected)),
        Answer::Contended(attempts) => Err(SubmitError::Contended {
            stream: stream.clone(),
            attempts,
        }),
        Answer::Unsettled(error) => Err(store_failed(shared, error)),
    };
    job.answer(words);
    None
}

/// Answers a job that is refused.
///
/// A sender that repeats an external id (the idempotency key) gets the first result, also if a new command would be
/// refused. The claim is looked up only before saying no: on the way to "yes" the append itself checks it.
pub(crate) async fn refuse<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    job: Job<A>,
    refusal: Refusal,
) {
    let words = no(shared, stream, &job, refusal).await;
    job.answer(words);
}

async fn no<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    job: &Job<A>,
    refusal: Refusal,
) -> Result<Receipt, SubmitError> {
    if let Some(claim) = &job.claim {
        match shared.store.find_claim(stream, &claim.external_id).await {
            Ok(Some(record)) => return claimed(stream, job, record),
            Ok(None) => {}
            Err(error) => return Err(store_failed(shared, error)),
        }
    }
    Err(refused(shared, stream.clone(), refusal).await)
}

fn claimed<A: Aggregate>(
    stream: &StreamId,
    job: &Job<A>,
    record: ClaimRecord,
) -> Result<Receipt, SubmitError> {
    match (&job.claim, record.first) {
        (Some(claim), first) if !job.is_effect && claim.content != record.content => {
            Err(SubmitError::ExternalIdReused {
                stream: stream.clone(),
                external_id: claim.external_id.clone(),
                first,
            })
        }
        (_, FirstResult::Rejected(rejected)) => Err(SubmitError::Rejected(*rejected)),
        (_, first) => Ok(receipt(stream, job, Outcome::Duplicate(first))),
    }
}

fn receipt<A: Aggregate>(stream: &StreamId, job: &Job<A>, outcome: Outcome) -> Receipt {
    Receipt {
        stream: stream.clone(),
        correlation_id: job.correlation_id.clone(),
        outcome,
        warnings: Vec::new(),
    }
}

/// Answers all jobs of a stream whose state could not be built.
pub(crate) async fn all_in_trouble<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    jobs: VecDeque<Job<A>>,
    trouble: &Trouble,
) {
    for job in jobs {
        refuse(shared, stream, job, trouble.into()).await;
    }
}

pub(crate) async fn refused(shared: &Shared, stream: StreamId, refusal: Refusal) -> SubmitError {
    match refusal {
        Refusal::Rejected(rejected) => SubmitError::Rejected(rejected),
        Refusal::Beyond(conflict) => SubmitError::BeyondCurrent { stream, conflict },
        Refusal::Invalid(violations) => SubmitError::Invalid(violations),
        Refusal::Full(source) => SubmitError::StreamFull { stream, source },
        Refusal::Broken(fault) => SubmitError::Broken { stream, fault },
        Refusal::Store(error) => store_failed(shared, error),
        Refusal::Conflict {
            conflict,
            strategy,
            reason,
            rejection,
        } => {
            let believed = conflict.expected.believed().flatten();
            let shown = shared.settings.shown_events;
            let intervening =
                first_between(&shared.log, &stream, believed, conflict.current, shown).await;
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
                Err(error) => store_failed(shared, error),
            }
        }
    }
}

pub(crate) fn store_failed(shared: &Shared, error: StoreError) -> SubmitError {
    SubmitError::of_store(error, shared.settings.retry_after)
}
