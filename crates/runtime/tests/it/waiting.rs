//! Tests a sender that waits for the reaction of one component to what another one records.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Accountable, Asked, CheckpointStore, Component, EventFilter, EventStore, FirstResult, Hold,
    Log, Outcome, Position, Reaction, ReactionError, Receipt, RecordedEvent, Sequence, Step,
    WaitFor,
};
use seriatim_runtime::{Enrolled, Feed, ReactionSettings, Reactions, Waiter};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::soon;

use crate::support::{append, stream};

/// A component that passes over the events of a domain. It does nothing about them, and panics if it is asked again.
#[derive(Debug)]
struct Part {
    component: Component,
    filter: EventFilter,
    leads_to: Vec<Component>,
    store: MemoryStore,
}

#[async_trait]
impl Reaction for Part {
    fn component(&self) -> &Component {
        &self.component
    }

    fn filter(&self) -> &EventFilter {
        &self.filter
    }

    fn checkpoints(&self) -> &dyn CheckpointStore {
        &self.store
    }

    fn accountable(&self) -> Option<&dyn Accountable> {
        Some(self)
    }

    fn leads_to(&self) -> &[Component] {
        &self.leads_to
    }

    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError> {
        Ok(step.finish(&self.store).await?)
    }
}

impl Accountable for Part {
    fn asked(&self, _: &RecordedEvent) -> Result<Vec<Asked>, ReactionError> {
        panic!("it cannot be asked")
    }

    fn outcomes(&self) -> Option<&dyn EventStore> {
        Some(&self.store)
    }
}

fn part(store: &MemoryStore, name: &str, domain: &str, leads_to: &[&str]) -> Enrolled {
    let filter = EventFilter {
        domains: vec![domain.parse().unwrap()],
        ..EventFilter::default()
    };
    let leads_to = leads_to.iter().map(|name| name.parse().unwrap());
    Enrolled::new(Arc::new(Part {
        component: name.parse().unwrap(),
        filter,
        leads_to: leads_to.collect(),
        store: store.clone(),
    }))
}

/// The event was passed over, for example by a person's decision.
#[tokio::test]
async fn a_component_that_panics_when_it_is_asked_again_has_done_nothing_about_the_event() {
    let store = MemoryStore::new();
    let parts = vec![
        part(&store, "payment.inputs", "order", &["payment"]),
        part(&store, "payment", "payment", &[]),
    ];
    let feed = Feed::new(Log::as_stored(Arc::new(store.clone())));
    let reactions = Reactions::start(&feed, parts, &ReactionSettings::default());
    let order = stream("order", 1);
    append(&store, &order, 0, &["Placed"]).await;
    let receipt = Receipt {
        stream: order,
        correlation_id: "basket 12".into(),
        outcome: Outcome::Duplicate(FirstResult::Committed {
            first: Sequence(0),
            last: Sequence(0),
            position: Position(1),
        }),
        warnings: Vec::new(),
    };
    let wait = WaitFor {
        components: vec!["payment".parse().unwrap()],
        limit: Duration::from_secs(3600),
    };
    let waiter = Waiter::new(&reactions, Arc::new(store));
    let waited = waiter.wait(&receipt, &wait, std::future::pending());
    assert_eq!(soon(waited).await, Ok(()));
    reactions.shutdown().await;
}
