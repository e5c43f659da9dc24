//! Commits what a round has planned. If the outcome of the commit is unknown, looks for its events and never guesses.

use std::time::Instant;

use seriatim_core::{
    Aggregate, Append, AppendError, AppendOutcome, Claim, LogPartition, Sequence, Store,
    StoreError, StreamId,
};

use crate::chain::{Plan, Planned, Step};
use crate::shared::Shared;

/// Appends them in one commit, perhaps with others', and returns the outcomes when they are durable.
///
/// An error means that nothing was written, or that the outcome could not be found out.
pub(crate) async fn commit<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    steps: &[Step<A>],
    appends: Vec<Append>,
) -> Result<Vec<AppendOutcome>, StoreError> {
    let begun = Instant::now();
    match shared.store.append(appends).await {
        Ok(outcomes) => {
            shared.commits.answered(begun.elapsed());
            Ok(outcomes)
        }
        Err(AppendError::NotWritten(error)) => {
            shared.commits.failed("not_written");
            Err(error)
        }
        Err(AppendError::Unknown(error)) => {
            shared.commits.failed("unknown");
            // The store has logged it, once for all streams of the commit.
            let reason = error.to_string();
            tracing::debug!(%stream, reason, "looking for the events of a lost commit");
            let look = Box::pin(look_for(&*shared.store, stream, steps));
            let found = shared.lookups.run(look).await?;
            found.ok_or(error)
        }
    }
}

/// Looks for the appends of a round by their ids.
///
/// Returns the outcomes if all are found. Returns `None` if one is not: its commit may still be on its way, so "not
/// written" would be a guess.
async fn look_for<A: Aggregate>(
    store: &dyn Store,
    stream: &StreamId,
    steps: &[Step<A>],
) -> Result<Option<Vec<AppendOutcome>>, StoreError> {
    let mut outcomes = Vec::with_capacity(steps.len());
    let mut written = None;
    for Step { job, plan } in steps {
        let Plan::Append(planned) = plan else {
            continue;
        };
        if let Planned::Check(_) = planned {
            outcomes.push(None);
            continue;
        }
        match find(store, stream, planned, job.claim.as_ref()).await? {
            Some(outcome) => {
                if let AppendOutcome::Written { .. } = outcome {
                    written = Some(outcome.clone());
                }
                outcomes.push(Some(outcome));
            }
            None => return Ok(None),
        }
    }
    // A check leaves nothing behind; it has passed if anything of the round was written.
    let all = outcomes
        .into_iter()
        .map(|found| found.or_else(|| written.clone()));
    Ok(all.collect())
}

async fn find(
    store: &dyn Store,
    stream: &StreamId,
    planned: &Planned,
    claim: Option<&Claim>,
) -> Result<Option<AppendOutcome>, StoreError> {
    let found = match planned {
        Planned::Events { after, events, .. } if !events.is_empty() => {
            let last = Sequence::advance(*after, events.len()).ok().flatten();
            match last {
                Some(last) => store.read_stream(stream, last, 1).await?,
                None => Vec::new(),
            }
            .first()
            .filter(|found| events.last().is_some_and(|ours| ours.id == found.id))
            .map(|found| (found.position, found.recorded_at))
        }
        Planned::Letter { id, .. } => match store.letter(*id).await? {
            Some(found) => {
                let partition = LogPartition::of(stream, store.partitions());
                Some((store.head(partition).await?, found.parked_at))
            }
            None => None,
        },
        Planned::Events { .. } | Planned::Rejection(_) | Planned::Check(_) => None,
    };
    if let Some((position, recorded_at)) = found {
        return Ok(Some(AppendOutcome::Written {
            position,
            recorded_at,
        }));
    }
    let Some(claim) = claim else {
        return Ok(None);
    };
    let spent = store.find_claim(stream, &claim.external_id).await?;
    Ok(spent.map(AppendOutcome::Claimed))
}
