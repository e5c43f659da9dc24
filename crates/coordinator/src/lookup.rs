//! The outcome of a batch whose commit failed in a way that leaves it open: look, never guess.

use seriatim_core::{Append, AppendOutcome, LogPartition, Sequence, Store, StoreError, Write};

/// Looks for the appends of one stream's round by their ids.
///
/// What is found was written. Returns `None` if one of them is not found: their commit may still be on its way, so "not
/// written" would be a guess. The rounds of other streams may be in another partition of the log, so each is looked for
/// by itself.
pub(crate) async fn look_for(
    store: &dyn Store,
    round: &[Append],
) -> Result<Option<Vec<AppendOutcome>>, StoreError> {
    let mut outcomes = Vec::with_capacity(round.len());
    for append in round {
        match find(store, append).await? {
            Some(outcome) => outcomes.push(outcome),
            None => return Ok(None),
        }
    }
    Ok(Some(outcomes))
}

async fn find(store: &dyn Store, append: &Append) -> Result<Option<AppendOutcome>, StoreError> {
    let found = match &append.write {
        Write::Events { after, events, .. } if !events.is_empty() => {
            let last = Sequence::advance(*after, events.len()).ok().flatten();
            match last {
                Some(last) => store.read_stream(&append.stream, last, 1).await?,
                None => Vec::new(),
            }
            .first()
            .filter(|found| events.last().is_some_and(|ours| ours.id == found.id))
            .map(|found| (found.position, found.recorded_at))
        }
        Write::Letter(letter) => match store.letter(letter.id).await? {
            Some(found) => {
                let partition = LogPartition::of(&append.stream, store.partitions());
                Some((store.head(partition).await?, found.parked_at))
            }
            None => None,
        },
        Write::Events { .. } => None,
    };
    if let Some((position, recorded_at)) = found {
        return Ok(Some(AppendOutcome::Written {
            position,
            recorded_at,
        }));
    }
    let Some(claim) = &append.claim else {
        return Ok(None);
    };
    let spent = store.find_claim(&append.stream, &claim.external_id).await?;
    Ok(spent.map(AppendOutcome::Claimed))
}
