//! Checks sagas whose aggregates are at the other end of a connection.

use std::sync::Arc;

use seriatim_core::{
    CommandGateway, CommandRequest, Component, Domain, EffectId, Effects, FactOrigin, FactRequest,
    FirstResult, Log, Metadata, NewFact, Outcome, Payload, Receipt, RecordedEvent, RejectedEffect,
    Saga, Sequence, Store, StreamId, SubmitError, WhyNotAccepted,
};
use seriatim_proto::{RemoteGateway, set_actor, v1};
use seriatim_runtime::{Enrolled, Feed, PieceState, ReactionSettings, Reactions, SagaReaction};
use seriatim_server::{ServerBuilder, ServerSettings};
use seriatim_store_memory::MemoryStore;
use tonic::Code;
use tonic::transport::Endpoint;
use uuid::Uuid;

use crate::rig::*;
use crate::till::{Do, Happened, Till};

fn effect(ordinal: u32) -> EffectId {
    EffectId {
        component: Component::new("filling").unwrap(),
        source: StreamId::new(Domain::new("elsewhere").unwrap(), Uuid::nil()),
        sequence: Sequence(3),
        ordinal,
    }
}

fn metadata() -> Metadata {
    Metadata {
        correlation_id: Some("checkout-7".into()),
        causation_id: Some(Uuid::from_u128(7)),
        external_id: Some("till-7/000123".into()),
        actor: Some("saga:filling".into()),
        ..Metadata::default()
    }
}

async fn last(store: &dyn Store, stream: &StreamId) -> RecordedEvent {
    let events = store.read_stream(stream, Sequence::FIRST, 100).await;
    events.unwrap().pop().unwrap()
}

fn taking_effects(server: ServerBuilder) -> ServerBuilder {
    server.settings(ServerSettings {
        accept_effects: true,
        ..ServerSettings::default()
    })
}

#[tokio::test]
async fn an_effect_is_one_and_the_same_here_and_there() {
    let rig = Rig::start_with(taking_effects).await;
    let remote = RemoteGateway::new(rig.channel.clone());
    let (id, target) = (effect(0), till());
    let command = |json: &'static str| CommandRequest {
        metadata: metadata(),
        effect: Some(id.clone()),
        ..CommandRequest::new(target.clone(), Payload::json("Fill", json))
    };
    remote.submit(command(r#"{"coins":1}"#)).await.unwrap();
    for gateway in [&rig.coordinator as &dyn CommandGateway, &remote] {
        let again = gateway.submit(command(r#"{"coins":2}"#)).await.unwrap();
        assert!(matches!(
            again.outcome,
            Outcome::Duplicate(FirstResult::Committed { .. })
        ));
    }
    assert_eq!(rig.history(&target).await, ["Filled"]);
    assert_eq!(*last(&rig.store, &target).await.metadata, metadata());
}

#[tokio::test]
async fn a_rejection_that_stands_stands_there_too() {
    let rig = Rig::start_with(taking_effects).await;
    let remote = RemoteGateway::new(rig.channel.clone());
    let (id, target) = (effect(0), till());
    let take = || CommandRequest {
        effect: Some(id.clone()),
        ..CommandRequest::new(target.clone(), Payload::json("Take", r#"{"coins":5}"#))
    };
    let first = remote.submit(take()).await;
    assert!(matches!(first, Err(SubmitError::Rejected(_))), "{first:?}");
    rig.submit(ask(&target, "Fill", r#"{"coins":9}"#)).await;
    for gateway in [&rig.coordinator as &dyn CommandGateway, &remote] {
        let again = gateway.submit(take()).await;
        assert_eq!(format!("{again:?}"), format!("{first:?}"));
    }
}

#[tokio::test]
async fn a_fact_of_a_saga_needs_no_external_id_there_either() {
    let rig = Rig::start_with(taking_effects).await;
    let remote = RemoteGateway::new(rig.channel.clone());
    let (id, target) = (effect(0), till());
    for _ in 0..2 {
        let request = FactRequest {
            id: Uuid::now_v7(),
            stream: target.clone(),
            facts: vec![NewFact {
                payload: Payload::json("Settled", r#"{"cents":5}"#),
                origin: FactOrigin {
                    source: "till".into(),
                    description: String::new(),
                },
            }],
            route_to_aggregate: Some(false),
            metadata: Metadata::default(),
            effect: Some(id.clone()),
        };
        remote.record(request).await.unwrap();
    }
    assert_eq!(rig.history(&target).await, ["Settled"]);
}

#[tokio::test]
async fn what_comes_back_over_the_wire_is_told_once() {
    let rig = Rig::start_with(taking_effects).await;
    let remote = RemoteGateway::new(rig.channel.clone());
    let (source, target) = (till(), till());
    rig.submit(ask(&source, "Open", r#"{"owner":"Ann"}"#)).await;
    let id = EffectId {
        sequence: Sequence::FIRST,
        source,
        ..effect(0)
    };
    let back = || RejectedEffect {
        effect: id.clone(),
        target: target.clone(),
        commands: vec![Payload::json("Take", r#"{"coins":5}"#)],
        rejected: seriatim_core::Rejected {
            code: "TooFew".into(),
            message: "there are only 0 coins".into(),
            fields: vec![("coins".into(), 0.into())],
        },
        metadata: metadata(),
    };
    let told = remote.hand_back(back()).await.unwrap();
    assert_eq!(told.stream, id.source);
    assert!(matches!(told.outcome, Outcome::Committed(commit) if commit.events.len() == 1));
    for gateway in [&rig.coordinator as &dyn CommandGateway, &remote] {
        let again = gateway.hand_back(back()).await.unwrap();
        assert!(matches!(again.outcome, Outcome::Duplicate(_)));
    }
    let told = last(&rig.store, &id.source).await;
    let label = format!("TooFew of {target}");
    assert_eq!(
        told.of::<Till>().unwrap().unwrap(),
        Happened::Labelled { label }
    );
    assert_eq!(*told.metadata, metadata());
}

/// Nothing is written, and nothing is spent, for a client that is not let in.
#[tokio::test]
async fn effects_are_refused_over_the_wire_unless_the_server_takes_them() {
    let rig = Rig::start().await;
    let remote = RemoteGateway::new(rig.channel.clone());
    let (source, target) = (till(), till());
    rig.submit(ask(&source, "Open", r#"{"owner":"Ann"}"#)).await;
    let id = EffectId {
        sequence: Sequence::FIRST,
        source: source.clone(),
        ..effect(0)
    };
    let fill = || CommandRequest {
        effect: Some(id.clone()),
        ..CommandRequest::new(target.clone(), Payload::json("Fill", r#"{"coins":1}"#))
    };
    let settle = FactRequest {
        id: Uuid::now_v7(),
        stream: target.clone(),
        facts: vec![NewFact {
            payload: Payload::json("Settled", r#"{"cents":5}"#),
            origin: FactOrigin {
                source: "till".into(),
                description: String::new(),
            },
        }],
        route_to_aggregate: None,
        metadata: Metadata::default(),
        effect: Some(id.clone()),
    };
    let back = RejectedEffect {
        effect: id.clone(),
        target: target.clone(),
        commands: fill().commands,
        rejected: seriatim_core::Rejected {
            code: "TooFew".into(),
            message: "there are only 0 coins".into(),
            fields: vec![],
        },
        metadata: Metadata::default(),
    };
    for answer in [
        remote.submit(fill()).await,
        remote.record(settle).await,
        remote.hand_back(back).await,
    ] {
        assert_not_accepted(answer, &id, WhyNotAccepted::OverTheWire);
    }
    assert_eq!(rig.history(&source).await, ["Opened"]);
    assert_eq!(rig.history(&target).await, [""; 0]);
    // Sent in the process it is the first, as if nothing had been sent before.
    let own = rig.coordinator.submit(fill()).await.unwrap();
    assert!(matches!(own.outcome, Outcome::Committed(_)), "{own:?}");
}

/// The event has yet to come: a no-op under the effect's id would swallow what the saga is going to ask for. A client
/// that is let in from elsewhere may read another log.
#[tokio::test]
async fn an_effect_of_an_event_that_is_not_there_is_refused_unless_it_may_be_elsewhere() {
    let rig = Rig::start_with(taking_effects).await;
    let remote = RemoteGateway::new(rig.channel.clone());
    let (source, target) = (till(), till());
    rig.submit(ask(&source, "Open", r#"{"owner":"Ann"}"#)).await;
    let next = EffectId {
        sequence: Sequence(1),
        source: source.clone(),
        ..effect(0)
    };
    let take = || CommandRequest {
        effect: Some(next.clone()),
        ..CommandRequest::new(target.clone(), Payload::json("Fill", r#"{"coins":9}"#))
    };
    let answer = rig.coordinator.submit(take()).await;
    assert_not_accepted(answer, &next, WhyNotAccepted::NoSuchEvent);
    let elsewhere = remote.submit(take()).await.unwrap();
    assert!(
        matches!(elsewhere.outcome, Outcome::Committed(_)),
        "{elsewhere:?}"
    );
}

#[tokio::test]
async fn nobody_else_is_called_as_reactions_are() {
    let rig = Rig::start().await;
    let remote = RemoteGateway::new(rig.channel.clone());
    for actor in ["saga:reserve-stock", "process-manager:payment", "timer:pay"] {
        let request = || CommandRequest {
            metadata: Metadata {
                actor: Some(actor.into()),
                ..Metadata::default()
            },
            ..CommandRequest::new(till(), Payload::json("Fill", r#"{"coins":1}"#))
        };
        for gateway in [&rig.coordinator as &dyn CommandGateway, &remote] {
            let answer = gateway.submit(request()).await;
            let Err(SubmitError::Invalid(violations)) = answer else {
                panic!("{answer:?}");
            };
            assert_eq!(violations[0].field, "actor");
        }
        let mut discard = tonic::Request::new(v1::DeadLetterServiceDiscardRequest {
            id: Some(Uuid::from_u128(1).into()),
            reason: "no".into(),
        });
        set_actor(discard.metadata_mut(), actor);
        let refused = rig.letters().discard(discard).await.unwrap_err();
        assert_code(&refused, Code::InvalidArgument, "INVALID");
    }
}

#[track_caller]
fn assert_not_accepted(
    answer: Result<Receipt, SubmitError>,
    expected: &EffectId,
    because: WhyNotAccepted,
) {
    match answer {
        Err(SubmitError::EffectNotAccepted { effect, why }) => {
            assert_eq!((&effect, why), (expected, because));
        }
        other => panic!("{other:?}"),
    }
}

/// A saga: for every till that is opened, it fills another one and takes too much from a third.
struct Filling;

const OTHER: Uuid = Uuid::from_u128(1);
const EMPTY: Uuid = Uuid::from_u128(2);

impl Saga for Filling {
    const NAME: &'static str = "filling";
    type Source = Till;

    fn react(&self, event: &Happened, _: &RecordedEvent, effects: &mut Effects) {
        if let Happened::Opened { .. } = event {
            effects.send::<Till>(OTHER, &Do::Fill { coins: 1 });
            effects.send::<Till>(EMPTY, &Do::Take { coins: 1 });
        }
    }
}

/// Runs the saga beside the server, on its log and with a connection to it.
fn run_saga(rig: &Rig) -> Reactions {
    let endpoint = Endpoint::from_shared(rig.url.clone()).unwrap();
    let gateway = RemoteGateway::new(endpoint.connect_lazy());
    let store: Arc<dyn Store> = rig.coordinator.store().clone();
    let saga = SagaReaction::new(Filling, Arc::new(gateway), Arc::clone(&store) as _);
    let component = Enrolled::new(Arc::new(saga));
    Reactions::start(
        &Feed::new(Log::as_stored(store as _)),
        vec![component],
        &ReactionSettings::default(),
    )
}

#[tokio::test]
async fn a_saga_waits_for_a_server_that_is_away() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut rig = Rig::start_on_store(Arc::clone(&store), taking_effects).await;
    let reactions = run_saga(&rig);
    let address = rig.url.strip_prefix("http://").unwrap().to_owned();
    let opened = |rig: &Rig, root| {
        let stream = StreamId::new(till().domain, Uuid::from_u128(root));
        let commands = rig.commands();
        async move {
            let open = ask(&stream, "Open", r#"{"owner":"Ann"}"#);
            commands.clone().submit(open).await.unwrap();
            stream
        }
    };
    let first = opened(&rig, 10).await;
    let other = StreamId::new(till().domain, OTHER);
    until(async || rig.history(&first).await.len() == 2).await;
    rig.begin_shutdown();
    rig.down().await;

    // While nobody answered, somebody else has opened one more till.
    let elsewhere = Rig::start_on_store(Arc::clone(&store), taking_effects).await;
    let second = opened(&elsewhere, 11).await;
    let waits = |state: &PieceState| matches!(state, PieceState::WaitingForTarget { target, .. } if target.as_str() == "till");
    until(async || waits(&reactions.status()[0].state)).await;
    let rig = Rig::start_at(&address, store, taking_effects).await;
    until(async || rig.history(&second).await.len() == 2).await;
    assert_eq!(rig.history(&other).await.len(), 2);
    assert_eq!(rig.history(&first).await, ["Opened", "Labelled"]);
    soon(reactions.shutdown()).await;
}
