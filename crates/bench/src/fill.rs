//! Preparing streams that have events, faster than commands could.

use std::sync::Arc;

use seriatim::core::{
    Append, AppendOutcome, Domain, Message, Metadata, NewEvent, Payload, Sequence, Store, StreamId,
    Write,
};
use seriatim::prelude::{Aggregate, Uuid};

use crate::Outcome;
use crate::domain::{Entered, entered};

/// Streams that are written to in turn, so that the events of one lie as far apart as they do in a real log.
const WAVE: usize = 1_000;

/// Gives each of `roots`, which have no events yet, so many of them.
pub async fn fill<A: Aggregate<Event = Entered>>(
    store: &dyn Store,
    roots: &[Uuid],
    events: u32,
) -> Outcome<()> {
    for wave in roots.chunks(WAVE) {
        fill_wave::<A>(store, wave, events).await?;
    }
    Ok(())
}

async fn fill_wave<A: Aggregate<Event = Entered>>(
    store: &dyn Store,
    roots: &[Uuid],
    events: u32,
) -> Outcome<()> {
    let (domain, payload) = (Domain::of::<A>(), entered().encode()?);
    for sequence in 0..events {
        let after = sequence.checked_sub(1).map(Sequence);
        let append = |root: &Uuid| Append {
            stream: StreamId::new(domain.clone(), *root),
            write: Write::Events {
                after,
                last: None,
                events: Arc::new([event(&payload)]),
            },
            claim: None,
            beside: Vec::new(),
        };
        let outcomes = store.append(roots.iter().map(append).collect()).await?;
        let refused = outcomes
            .into_iter()
            .find(|outcome| !matches!(outcome, AppendOutcome::Written { .. }));
        if let Some(refused) = refused {
            return Err(format!("an append became {refused:?}").into());
        }
    }
    Ok(())
}

/// Returns an event with what a coordinator knows of one whose command says nothing about itself.
fn event(payload: &Payload) -> NewEvent {
    let command = Uuid::now_v7();
    NewEvent {
        id: Uuid::now_v7(),
        payload: payload.clone(),
        metadata: Arc::new(Metadata {
            correlation_id: Some(command.to_string()),
            causation_id: Some(command),
            ..Metadata::default()
        }),
    }
}
