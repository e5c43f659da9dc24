//! Checks what a merge costs others, and what is refused before it can do harm.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Aggregate, At, CommandGateway, CommandRequest, Domain, Fault, Message, Never, Outcome, Receipt,
    StreamId, SubmitError,
};
use seriatim_derive::Event;
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::until;
use uuid::Uuid;

/// The signal that a slow comparison waits for.
static GATE: Mutex<Option<Receiver<()>>> = Mutex::new(None);

/// The command, and also the event that it gives.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
enum Put {
    Number { value: f64 },
    Wei { wei: u128 },
}

impl seriatim_core::Command for Put {}

#[derive(Default, Clone, Debug, Serialize, Deserialize)]
struct Meter {
    value: f64,
    wei: u128,
}

impl PartialEq for Meter {
    /// Takes as long as the gate is closed.
    fn eq(&self, other: &Self) -> bool {
        let gate = GATE.lock().unwrap().take();
        if let Some(gate) = gate {
            gate.recv_timeout(Duration::from_secs(20))
                .expect("others go on meanwhile");
        }
        (self.value, self.wei) == (other.value, other.wei)
    }
}

impl Aggregate for Meter {
    const DOMAIN: &'static str = "meter";
    type Command = Put;
    type Event = Put;
    type Rejection = Never;

    fn decide(&self, put: &Put) -> Result<Vec<Put>, Never> {
        Ok(vec![match put {
            Put::Number { value } => Put::Number {
                value: value.sqrt(),
            },
            Put::Wei { wei } => Put::Wei { wei: *wei },
        }])
    }

    fn evolve(&mut self, put: &Put) {
        match put {
            Put::Number { value } => self.value = *value,
            Put::Wei { wei } => self.wei += wei,
        }
    }
}

fn coordinator() -> Coordinator {
    let store = Arc::new(MemoryStore::new());
    Coordinator::builder(store)
        .aggregate::<Meter>()
        .start()
        .unwrap()
}

fn ask(stream: &StreamId, put: &Put) -> CommandRequest {
    CommandRequest::new(stream.clone(), put.encode().unwrap())
}

fn meter() -> StreamId {
    StreamId::new(Domain::of::<Meter>(), Uuid::now_v7())
}

fn wei(wei: u128) -> Put {
    Put::Wei { wei }
}

async fn accept(coordinator: &Coordinator, request: CommandRequest) -> Receipt {
    coordinator.submit(request).await.unwrap()
}

/// There is one worker here: if a merge held it, the others could not go on, and the gate would never open.
#[tokio::test(flavor = "current_thread")]
async fn a_slow_merge_keeps_nobody_waiting() {
    let coordinator = coordinator();
    let stream = meter();
    for amount in 0..3 {
        accept(&coordinator, ask(&stream, &wei(amount))).await;
    }
    let (open, gate) = channel();
    *GATE.lock().unwrap() = Some(gate);
    let mut stale = ask(&stream, &wei(5));
    stale.expected = 0.into();
    let merging = tokio::spawn({
        let coordinator = coordinator.clone();
        async move { accept(&coordinator, stale).await }
    });
    until("it is merged", async || GATE.lock().unwrap().is_none()).await;
    for _ in 0..10 {
        accept(&coordinator, ask(&meter(), &wei(1))).await;
    }
    assert!(!merging.is_finished());
    open.send(()).unwrap();
    let Outcome::Committed(commit) = merging.await.unwrap().outcome else {
        panic!("it merges")
    };
    assert!(commit.merged);
}

#[tokio::test]
async fn an_event_that_could_not_be_read_again_is_refused_with_its_field() {
    let coordinator = coordinator();
    let stream = meter();
    let answer = coordinator
        .submit(ask(&stream, &Put::Number { value: -1.0 }))
        .await;
    match answer {
        Err(SubmitError::Broken {
            fault: Fault::Unencodable { what, field, why },
            ..
        }) => {
            assert_eq!(what, "event");
            assert_eq!(field.unwrap().to_string(), "Number.value");
            assert!(why.contains("NaN"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    // The stream is unchanged.
    accept(&coordinator, ask(&stream, &Put::Number { value: 4.0 })).await;
    let view = coordinator.state(&stream, At::Current).await.unwrap();
    assert_eq!(
        view.read::<Meter>().unwrap().value.to_bits(),
        2f64.to_bits()
    );
}

#[tokio::test]
async fn amounts_of_more_than_64_bits_are_told_apart_and_shown() {
    let coordinator = coordinator();
    let stream = meter();
    let of = |wei: u128| {
        let mut request = ask(&stream, &Put::Wei { wei });
        request.metadata.external_id = Some("transfer-1".into());
        request
    };
    let amount = 20_000_000_000_000_000_000;
    accept(&coordinator, of(amount)).await;
    let again = accept(&coordinator, of(amount)).await;
    assert!(matches!(again.outcome, Outcome::Duplicate(_)), "{again:?}");
    let other = coordinator.submit(of(amount + 1)).await;
    assert!(
        matches!(other, Err(SubmitError::ExternalIdReused { .. })),
        "{other:?}"
    );
    let view = coordinator.state(&stream, At::Current).await.unwrap();
    assert_eq!(view.read::<Meter>().unwrap().wei, amount);
    assert!(view.state.contains(&amount.to_string()), "{}", view.state);
}
