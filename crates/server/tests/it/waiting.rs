//! Checks senders that wait until components have handled what they wrote.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{Component, EventFilter, Log, RecordedEvent, StreamId};
use seriatim_proto::v1;
use seriatim_runtime::{
    AtLeastOnce, BackOff, Enrolled, FailurePolicy, Feed, Projector, ReactionSettings, Reactions,
};
use seriatim_store_memory::MemoryStore;
use tokio::sync::Semaphore;
use v1::not_handled::Why;
use v1::submit_stream_response::Result as Answer;

use crate::rig::*;

/// A projector that takes as many events as there are permits, and fails where coins are taken.
struct Gate(Arc<Semaphore>);

impl Projector for Gate {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            if event.payload.data.contains(&b'-') {
                return Err("nothing may be taken".into());
            }
            self.0.acquire().await?.forget();
        }
        Ok(())
    }
}

/// Starts a server with a component named `gate`.
pub(crate) async fn gated(permits: usize) -> (Rig, Arc<Semaphore>) {
    gated_with(permits, ServerSettings::default()).await
}

pub(crate) async fn gated_with(permits: usize, settings: ServerSettings) -> (Rig, Arc<Semaphore>) {
    let store = Arc::new(MemoryStore::new());
    let permits = Arc::new(Semaphore::new(permits));
    let reaction = AtLeastOnce::new(
        Component::new("gate").unwrap(),
        EventFilter::default(),
        Arc::clone(&store) as _,
        Gate(Arc::clone(&permits)),
    );
    let enrolled = Enrolled {
        policy: FailurePolicy {
            back_off: BackOff {
                retries: 0,
                ..BackOff::default()
            },
            ..FailurePolicy::pause()
        },
        ..Enrolled::new(Arc::new(reaction))
    };
    let feed = Feed::new(Log::as_stored(Arc::clone(&store) as _));
    let reactions = Reactions::start(&feed, vec![enrolled], &ReactionSettings::default());
    let often = Duration::from_millis(1);
    let rig = Rig::start_on_store(store, |server| {
        (server.reactions(Arc::new(reactions))).settings(ServerSettings {
            health_interval: often,
            ..settings
        })
    });
    let rig = rig.await;
    (rig, permits)
}

fn wait_for(component: &str, limit: Duration) -> Option<v1::WaitFor> {
    Some(v1::WaitFor {
        components: vec![component.into()],
        limit: Some(limit.try_into().unwrap()),
    })
}

const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(20);

fn fill(stream: &StreamId, limit: Duration) -> v1::SubmitRequest {
    v1::SubmitRequest {
        wait_for: wait_for("gate", limit),
        ..ask(stream, "Fill", r#"{"coins":5}"#)
    }
}

#[tokio::test]
async fn a_command_and_a_fact_are_answered_when_they_are_handled() {
    let (rig, permits) = gated(1).await;
    let stream = till();
    let answer = rig.submit(fill(&stream, HOUR)).await;
    committed(&answer);
    assert_eq!((answer.not_handled, permits.available_permits()), (None, 0));
    permits.add_permits(1);
    let fact = v1::RecordRequest {
        wait_for: wait_for("gate", HOUR),
        ..fact(&stream, "7", "Filled", r#"{"coins":5}"#)
    };
    let answer = rig.facts().record(fact).await.unwrap().into_inner();
    assert_eq!((answer.not_handled, permits.available_permits()), (None, 0));
}

#[tokio::test]
async fn the_outcome_is_told_also_when_the_time_has_passed() {
    let (rig, _) = gated(0).await;
    let answer = rig.submit(fill(&till(), MOMENT)).await;
    committed(&answer);
    let not_handled = answer.not_handled.unwrap();
    assert_eq!(not_handled.component, "gate");
    let Some(Why::TimePassed(passed)) = not_handled.why else {
        panic!("{not_handled:?}");
    };
    assert_eq!(passed.position, 0);
    assert_eq!(passed.limit, Some(MOMENT.try_into().unwrap()));
}

#[tokio::test]
async fn in_a_stream_one_that_waits_holds_up_no_other() {
    let (rig, permits) = gated(0).await;
    let requests = [
        (1, fill(&till(), HOUR)),
        (2, ask(&till(), "Fill", r#"{"coins":5}"#)),
        (3, fill(&till(), MOMENT)),
    ];
    let requests = requests.map(|(tag, request)| v1::SubmitStreamRequest {
        tag,
        request: Some(request),
    });
    let answers = (rig.commands())
        .submit_stream(futures::stream::iter(requests))
        .await;
    let mut answers = answers.unwrap().into_inner();
    let mut next = async || {
        let answer = soon(answers.message()).await.unwrap().unwrap();
        let Some(Answer::Response(response)) = answer.result else {
            panic!("{answer:?}");
        };
        committed(&response);
        (answer.tag, response.not_handled.is_some())
    };
    assert_eq!(next().await, (2, false));
    assert_eq!(next().await, (3, true));
    permits.add_permits(3);
    assert_eq!(next().await, (1, false));
}

/// Requests that only wait for a component keep the room of their answers, so that others of the connection have room.
#[tokio::test]
async fn in_a_stream_one_that_waits_keeps_only_the_room_of_its_answer() {
    const REQUESTS: u64 = 100;
    let settings = ServerSettings {
        unread_bytes_per_connection: 64 * 1024,
        ..Default::default()
    };
    let (rig, permits) = gated_with(0, settings).await;
    let requests = (0..REQUESTS).map(|tag| v1::SubmitStreamRequest {
        tag,
        request: Some(fill(&till(), HOUR)),
    });
    let answers = (rig.commands())
        .submit_stream(futures::stream::iter(requests))
        .await;
    let mut answers = answers.unwrap().into_inner();
    until(async || rig.head().await.0 == REQUESTS).await;
    permits.add_permits(100);
    for _ in 0..REQUESTS {
        let answer = soon(answers.message()).await.unwrap().unwrap();
        let Some(Answer::Response(response)) = answer.result else {
            panic!("{answer:?}");
        };
        assert_eq!(response.not_handled, None);
    }
}

#[tokio::test]
async fn that_a_component_is_paused_is_said_at_once() {
    let (rig, _) = gated(1).await;
    let stream = till();
    rig.submit(fill(&stream, HOUR)).await;
    let take = v1::SubmitRequest {
        wait_for: wait_for("gate", HOUR),
        ..ask(&stream, "Take", r#"{"coins":1}"#)
    };
    let answer = soon(rig.submit(take)).await;
    committed(&answer);
    let Some(Why::Paused(paused)) = answer.not_handled.unwrap().why else {
        panic!("it is not paused");
    };
    assert!(
        paused.failure.contains("nothing may be taken"),
        "{paused:?}"
    );
}

#[tokio::test]
async fn whom_nobody_knows_is_refused_before_anything_is_written() {
    let (rig, _) = gated(0).await;
    for (names, field) in [
        (vec!["gate", "gat"], "wait_for.components[1]"),
        (vec!["Gate"], "wait_for.components[0]"),
        (vec![], "wait_for.components"),
    ] {
        let wait = v1::WaitFor {
            components: names.into_iter().map(Into::into).collect(),
            limit: HOUR.try_into().ok(),
        };
        let request = v1::SubmitRequest {
            wait_for: Some(wait),
            ..fill(&till(), HOUR)
        };
        assert_eq!(faulty_fields(&rig.refused(request).await), [field]);
    }
    assert_eq!(rig.head().await.0, 0);
}

#[tokio::test]
async fn a_wait_for_too_long_or_for_too_many_is_refused_before_anything_is_written() {
    let (rig, _) = gated(0).await;
    let waiting = |components: usize, seconds, nanos| v1::SubmitRequest {
        wait_for: Some(v1::WaitFor {
            components: vec!["gate".into(); components],
            limit: Some(prost_types::Duration { seconds, nanos }),
        }),
        ..fill(&till(), HOUR)
    };
    for (seconds, nanos) in [
        (-1, 0),
        (1, -1),
        (1, 1_000_000_000),
        (i64::MIN, 0),
        (i64::MIN, i32::MIN),
        (i64::MAX, i32::MAX),
        (i64::MAX, 0),
        (24 * 3600, 1),
    ] {
        let status = rig.refused(waiting(1, seconds, nanos)).await;
        assert_eq!(faulty_fields(&status), ["wait_for.limit"], "{seconds}");
    }
    let status = rig.refused(waiting(65, 1, 0)).await;
    assert_eq!(faulty_fields(&status), ["wait_for.components"]);
    assert_eq!(rig.head().await.0, 0);
    rig.submit(waiting(64, 0, 1)).await;
}

#[tokio::test]
async fn an_empty_message_waits_for_nobody() {
    let (rig, _) = gated(0).await;
    let request = v1::SubmitRequest {
        wait_for: Some(v1::WaitFor::default()),
        ..fill(&till(), HOUR)
    };
    let response = rig.commands().submit(request).await.unwrap();
    assert_eq!(response.into_inner().not_handled, None);
}

#[tokio::test]
async fn who_waits_at_a_server_that_goes_down_is_told() {
    let (mut rig, _) = gated(0).await;
    let mut commands = rig.commands();
    let waiting = tokio::spawn(async move { commands.submit(fill(&till(), HOUR)).await });
    until(async || rig.head().await.0 > 0).await;
    rig.begin_shutdown();
    let answer = soon(waiting).await.unwrap().unwrap().into_inner();
    committed(&answer);
    let why = answer.not_handled.unwrap().why;
    assert!(matches!(why, Some(Why::ShuttingDown(_))), "{why:?}");
    rig.down().await;
}
