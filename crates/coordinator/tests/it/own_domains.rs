//! The domains that begin with `seriatim.` are those of Seriatim itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use seriatim_coordinator::{Coordinator, StartError};
use seriatim_core::{
    Aggregate, CommandGateway, CommandRequest, Domain, Never, Payload, Store, StreamId, SubmitError,
};
use seriatim_derive::{Command, Event};
use seriatim_store_memory::MemoryStore;
use uuid::Uuid;

use crate::cart::Cart;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
enum Noted {
    Noted,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[seriatim(crate = "seriatim_core")]
enum Note {
    Note,
}

#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
struct Book;

impl Aggregate for Book {
    const DOMAIN: &'static str = "seriatim.book";
    type Command = Note;
    type Event = Noted;
    type Rejection = Never;

    fn decide(&self, _: &Note) -> Result<Vec<Noted>, Never> {
        Ok(vec![Noted::Noted])
    }

    fn evolve(&mut self, _: &Noted) {}
}

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[tokio::test]
async fn an_application_cannot_register_under_such_a_name() {
    let refused = Coordinator::builder(store()).aggregate::<Book>().start();
    assert!(
        matches!(&refused, Err(StartError::NotItsDomain { domain }) if *domain == Domain::of::<Book>())
    );
    let refused = Coordinator::builder_of_own(store())
        .aggregate::<Cart>()
        .start();
    assert!(matches!(refused, Err(StartError::NotItsDomain { .. })));
}

#[tokio::test]
async fn the_coordinator_of_an_application_does_not_reach_them() {
    let store = store();
    let ours = Coordinator::builder(Arc::clone(&store))
        .aggregate::<Cart>()
        .start()
        .unwrap();
    let own = Coordinator::builder_of_own(store)
        .aggregate::<Book>()
        .start()
        .unwrap();
    let request = || {
        let stream = StreamId::new(Domain::of::<Book>(), Uuid::now_v7());
        CommandRequest::new(stream, Payload::json("Note", "null"))
    };
    assert!(matches!(
        ours.submit(request()).await,
        Err(SubmitError::UnknownDomain { known, .. }) if known == [Domain::of::<Cart>()]
    ));
    own.submit(request()).await.unwrap();
}
