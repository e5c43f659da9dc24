//! Reads without writing: current and past states, and simulations.

use seriatim_core::{
    Aggregate, At, Fault, QueryError, Sequence, Simulated, Simulation, StateView, StoreError,
    StreamId, SubmitError, Tree,
};

use crate::answer;
use crate::beside::beside;
use crate::guard::guarded;
use crate::history::{self, Standing, Trouble};
use crate::intake::Taken;
use crate::judge::{Draft, Refusal, Verdict, judge, merge};
use crate::shared::Shared;

pub(crate) async fn state<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    at: At,
) -> Result<StateView, QueryError> {
    let standing = standing_at::<A>(shared, stream, at).await?;
    let viewed = viewed(stream, standing).await;
    let (_, view) = viewed.map_err(|fault| broken(stream, fault))?;
    Ok(view)
}

/// Returns the state as it came in, and its readable form.
async fn viewed<A: Aggregate>(
    stream: &StreamId,
    standing: Standing<A>,
) -> Result<(Standing<A>, StateView), Fault> {
    let stream = stream.clone();
    beside(move || to_view(&stream, &standing).map(|view| (standing, view))).await?
}

pub(crate) async fn standing_at<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    at: At,
) -> Result<Standing<A>, QueryError> {
    let through = match at {
        At::Current => None,
        At::Sequence(sequence) => Some(sequence),
        At::Time(time) => match last_before(shared, stream, time).await {
            Ok(Some(sequence)) => Some(sequence),
            Ok(None) => return Ok(Standing::new()),
            Err(error) => return Err(store_failed(shared, error)),
        },
    };
    let standing: Standing<A> = history::load(&shared.log, stream, through)
        .await
        .map_err(|trouble| in_trouble(shared, stream, trouble))?;
    match at {
        At::Sequence(asked) if standing.current != Some(asked) => Err(QueryError::BeyondCurrent {
            stream: stream.clone(),
            asked,
            current: standing.current,
        }),
        At::Sequence(_) | At::Current | At::Time(_) => Ok(standing),
    }
}

/// Returns the last event that was recorded at or before `time`. Recorded times never decrease, so it is found by
/// halving.
async fn last_before(
    shared: &Shared,
    stream: &StreamId,
    time: seriatim_core::Timestamp,
) -> Result<Option<Sequence>, StoreError> {
    let (mut low, mut high) = (0u64, u64::from(u32::MAX) + 1);
    // Invariant: every event below `low` was recorded in time; none from `high` on was, or none exists there.
    while low < high {
        let middle = low + (high - low) / 2;
        let sequence = Sequence(u32::try_from(middle).expect("below 2^32"));
        let in_time = match shared.store.read_stream(stream, sequence, 1).await?.first() {
            Some(event) => event.recorded_at <= time,
            None => false,
        };
        match in_time {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low
        .checked_sub(1)
        .map(|last| Sequence(u32::try_from(last).expect("below 2^32"))))
}

/// Returns what a command would do, at the current or a past state.
pub(crate) async fn simulate<A: Aggregate>(
    shared: &Shared,
    stream: StreamId,
    Taken {
        work,
        claim,
        is_effect,
        ..
    }: Taken<A>,
    at: At,
) -> Result<Simulation, SubmitError> {
    let standing = standing_at::<A>(shared, &stream, at)
        .await
        .map_err(|error| as_submit_error(&stream, error))?;
    let broken = |fault| SubmitError::Broken {
        stream: stream.clone(),
        fault,
    };
    let (standing, before) = viewed(&stream, standing).await.map_err(broken)?;
    if let Some(claim) = claim {
        let spent = shared.store.find_claim(&stream, &claim.external_id).await;
        if let Some(record) = spent.map_err(|error| answer::store_failed(shared, error))? {
            let outcome = match is_effect || record.content == claim.content {
                true => Simulated::Duplicate(record.first),
                false => Simulated::ExternalIdReused(record.first),
            };
            return Ok(Simulation { before, outcome });
        }
    }
    let Shared { log, settings, .. } = shared;
    let verdict = match judge(&work, &standing) {
        Verdict::Collides(conflict) => {
            merge(log, settings, &stream, &work, conflict, &standing).await
        }
        verdict => verdict,
    };
    let outcome = match verdict.within(&settings.limits) {
        Verdict::Append { drafts, .. } if drafts.is_empty() => Simulated::Unchanged,
        Verdict::Append { drafts, merged } => {
            let of = stream.clone();
            let commits = beside(move || commits(&of, standing, drafts, merged)).await;
            commits.and_then(|commits| commits).map_err(broken)?
        }
        Verdict::Park { reason, .. } => Simulated::Parks(reason),
        Verdict::Refuse(Refusal::Rejected(rejected)) => Simulated::Rejected(rejected),
        Verdict::Refuse(refusal) => match answer::refused(shared, stream, refusal).await {
            SubmitError::Conflict(conflict) => Simulated::Conflict(conflict),
            error => return Err(error),
        },
        // The stream moved between two of our reads.
        Verdict::Stale | Verdict::Collides(_) => {
            return Err(SubmitError::Contended {
                stream,
                attempts: 1,
            });
        }
    };
    Ok(Simulation { before, outcome })
}

pub(crate) fn commits<A: Aggregate>(
    stream: &StreamId,
    mut standing: Standing<A>,
    drafts: Vec<Draft<A>>,
    merged: bool,
) -> Result<Simulated, Fault> {
    guarded("evolve", || {
        drafts
            .iter()
            .for_each(|draft| standing.state.evolve(&draft.event));
    })?;
    standing.current =
        Sequence::advance(standing.current, drafts.len()).unwrap_or(Some(Sequence::MAX));
    Ok(Simulated::Commits {
        events: drafts.into_iter().map(|draft| draft.payload).collect(),
        merged,
        after: to_view(stream, &standing)?,
    })
}

pub(crate) fn to_view<A: Aggregate>(
    stream: &StreamId,
    standing: &Standing<A>,
) -> Result<StateView, Fault> {
    // A state that JSON cannot hold, for example with keys that are not texts, is shown in another form.
    let text = || match serde_json::to_string(&standing.state) {
        Ok(text) => Ok(text),
        Err(_) => Tree::of(&standing.state).map(|tree| tree.to_string()),
    };
    let state = guarded("serialize", text)?.map_err(|error| Fault::state(&error))?;
    Ok(StateView {
        stream: stream.clone(),
        sequence: standing.current,
        state,
    })
}

pub(crate) fn in_trouble(shared: &Shared, stream: &StreamId, trouble: Trouble) -> QueryError {
    match trouble {
        Trouble::Store(error) => store_failed(shared, error),
        Trouble::Fault(fault) => broken(stream, fault),
    }
}

pub(crate) fn store_failed(shared: &Shared, source: StoreError) -> QueryError {
    QueryError::of_store(source, shared.settings.retry_after)
}

pub(crate) fn broken(stream: &StreamId, fault: Fault) -> QueryError {
    QueryError::Broken {
        stream: stream.clone(),
        fault,
    }
}

fn as_submit_error(stream: &StreamId, error: QueryError) -> SubmitError {
    match error {
        QueryError::UnknownDomain { domain, known } => SubmitError::UnknownDomain { domain, known },
        QueryError::BeyondCurrent {
            stream,
            asked,
            current,
        } => SubmitError::BeyondCurrent {
            stream,
            conflict: seriatim_core::Conflict {
                expected: seriatim_core::ExpectedSequence::Exactly(asked),
                current,
            },
        },
        QueryError::Unavailable {
            retry_after,
            source,
        } => SubmitError::of_store(source, retry_after),
        QueryError::StoreFailed(error) => SubmitError::StoreFailed(error),
        QueryError::Broken { stream, fault } => SubmitError::Broken { stream, fault },
        QueryError::UnknownLetter { .. } | QueryError::UnknownField { .. } => {
            unreachable!("no letter or field is asked for on `{stream}`")
        }
    }
}
