//! Finds what belongs to a workflow.

use seriatim_coordinator::Coordinator;
use seriatim_core::{Begin, CommandGateway, Metadata, RecordedEvent, StreamId, WorkflowPage};
use uuid::Uuid;

use crate::cart::*;

async fn send(coordinator: &Coordinator, stream: &StreamId, workflow: &str, command: Do) {
    let mut request = ask(stream, &command);
    request.metadata = Metadata {
        correlation_id: Some(workflow.into()),
        ..Metadata::default()
    };
    coordinator.submit(request).await.unwrap();
}

async fn pages(coordinator: &Coordinator, workflow: &str) -> Vec<WorkflowPage> {
    let mut all = Vec::new();
    let mut begin = None;
    loop {
        let page = coordinator.log().workflow(workflow, begin).await.unwrap();
        begin = page.next.clone().map(Begin::After);
        all.push(page);
        if begin.is_none() {
            return all;
        }
    }
}

fn sequences(events: &[RecordedEvent]) -> Vec<(StreamId, u32)> {
    let place = |event: &RecordedEvent| (event.stream.clone(), event.sequence.0);
    events.iter().map(place).collect()
}

#[tokio::test]
async fn the_events_of_a_workflow_are_found_between_those_of_others() {
    let (coordinator, _) = coordinator();
    let (one, other) = (cart(), cart());
    for stream in [&one, &other, &one] {
        send(&coordinator, stream, "checkout-7", Do::Add { count: 1 }).await;
        send(&coordinator, stream, "checkout-8", Do::Add { count: 1 }).await;
        accept(&coordinator, stream, Do::Add { count: 1 }).await;
    }
    let found = pages(&coordinator, "checkout-7").await;
    assert_eq!(found.len(), 1);
    let expected = [(one.clone(), 0), (other, 0), (one, 3)];
    assert_eq!(sequences(&found[0].events), expected);
    assert!(pages(&coordinator, "checkout-9").await[0].events.is_empty());
}

/// The time in the id says where to look, so what was recorded long before is not.
#[tokio::test]
async fn a_workflow_is_looked_for_from_the_time_in_its_id_on() {
    let (coordinator, _) = coordinator();
    let stream = cart();
    let old = Uuid::now_v7().to_string();
    send(&coordinator, &stream, &old, Do::Open).await;
    assert_eq!(pages(&coordinator, &old).await[0].events.len(), 1);
    let later = id_from_now(2 * 60);
    send(&coordinator, &stream, &later, Do::Add { count: 1 }).await;
    // Its id is two minutes ahead, so it is not found by that; it is, if one says where.
    assert!(pages(&coordinator, &later).await[0].events.is_empty());
    let log = coordinator.log();
    let found = log.workflow(&later, Some(Begin::AtTheFirst)).await.unwrap();
    assert_eq!(found.events.len(), 1);
}

/// Returns an id of this many seconds from now.
fn id_from_now(seconds: u64) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let then = uuid::Timestamp::from_unix(uuid::NoContext, now.as_secs() + seconds, 0);
    Uuid::new_v7(then).to_string()
}

#[tokio::test]
async fn a_large_workflow_comes_in_pages_without_a_gap_or_a_repeat() {
    let (coordinator, _) = coordinator();
    let stream = cart();
    for _ in 0..3 {
        send(&coordinator, &stream, "big", Do::AddMany { n: 500 }).await;
        send(&coordinator, &stream, "other", Do::Add { count: 1 }).await;
    }
    let found = pages(&coordinator, "big").await;
    assert!(found.len() > 1);
    let all: Vec<_> = found
        .iter()
        .flat_map(|page| sequences(&page.events))
        .collect();
    let expected = (0..1503).filter(|sequence| sequence % 501 != 500);
    assert_eq!(
        all,
        expected
            .map(|sequence| (stream.clone(), sequence))
            .collect::<Vec<_>>()
    );
}
