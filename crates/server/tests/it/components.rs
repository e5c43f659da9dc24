//! Components over the wire: what those who run them see and decide.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seriatim_core::{
    Component, Decision, EventFilter, OperatorError, Parked, RecordedEvent, Sequence, StreamId,
    Will,
};
use seriatim_proto::{CallError, Client, v1};
use seriatim_runtime::{
    AtLeastOnce, BackOff, Enrolled, FailurePolicy, Feed, Projector, ReactionSettings, Reactions,
};
use seriatim_store_memory::MemoryStore;
use tonic::Code;
use v1::admin_service_client::AdminServiceClient;

use crate::rig::*;

/// Fails on the second event of a stream as long as it is broken.
struct Fussy(Arc<AtomicBool>);

#[async_trait::async_trait]
impl Projector for Fussy {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let second = |event: &&RecordedEvent| event.sequence == Sequence(1);
        match events.iter().any(second) && self.0.load(Ordering::Relaxed) {
            true => Err("the second one is too much".into()),
            false => Ok(()),
        }
    }
}

struct Stage {
    rig: Rig,
    client: Client,
    broken: Arc<AtomicBool>,
    stream: StreamId,
}

/// A component that fails under a policy, on a stream of four events.
async fn stage(policy: FailurePolicy) -> Stage {
    let store = Arc::new(MemoryStore::new());
    let broken = Arc::new(AtomicBool::new(true));
    let reaction = AtLeastOnce::new(
        Component::new("fussy").unwrap(),
        EventFilter::default(),
        Arc::clone(&store) as _,
        Fussy(Arc::clone(&broken)),
    );
    let enrolled = Enrolled {
        policy: FailurePolicy {
            back_off: BackOff {
                retries: 0,
                ..BackOff::default()
            },
            ..policy
        },
        ..Enrolled::new(Arc::new(reaction))
    };
    let feed = Feed::new(Arc::clone(&store) as _);
    let reactions = Reactions::start(&feed, vec![enrolled], &ReactionSettings::default());
    let rig = Rig::start_on_store(store, |server| server.reactions(Arc::new(reactions))).await;
    let commands = [("Label", r#"{"label":"a"}"#); 1];
    let stream = rig.till_with(&commands).await;
    for label in ["b", "c", "d"] {
        rig.submit(ask(&stream, "Label", &format!(r#"{{"label":"{label}"}}"#)))
            .await;
    }
    let client = Client::connect(&rig.url, Duration::from_secs(60)).await;
    Stage {
        rig,
        client: client.unwrap(),
        broken,
        stream,
    }
}

impl Stage {
    async fn until_parked(&self, count: usize) -> Vec<Parked> {
        loop {
            let (parked, total) = self.client.parked(None).await.unwrap();
            assert_eq!(total, parked.len() as u64);
            let progress = self.client.progress().await.unwrap();
            if parked.len() == count && progress[0].lag() == 0 {
                return parked;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn decision(&self, will: Will) -> Decision {
        Decision {
            component: Component::new("fussy").unwrap(),
            stream: self.stream.clone(),
            sequence: Some(Sequence(1)),
            will,
            actor: Some("Zoë".into()),
            reason: Some("it was done by hand".into()),
        }
    }

    async fn refused(&self, decision: &Decision) -> OperatorError {
        match self.client.decide(decision).await.unwrap_err() {
            CallError::Refused(refused) => refused,
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_parked_stream_is_shown_and_skipped() {
    let stage = stage(FailurePolicy::park()).await;
    let parked = stage.until_parked(1).await;
    assert_eq!(parked[0].stream, stage.stream);
    assert_eq!((parked[0].sequence, parked[0].tries), (Sequence(1), 1));
    assert_eq!(parked[0].failure, "the second one is too much");
    let progress = stage.client.progress().await.unwrap();
    assert_eq!(progress[0].parked, 1);
    assert!(progress[0].checkpoint.owner.is_some());

    let was = stage.client.decide(&stage.decision(Will::Skip)).await;
    assert_eq!(was.unwrap(), parked[0]);
    stage.until_parked(0).await;
    let fussy = Component::new("fussy").unwrap();
    let skipped = stage.client.skipped(Some(&fussy), 0).await.unwrap();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].actor.as_deref(), Some("Zoë"));
    assert_eq!(skipped[0].reason, "it was done by hand");
    assert_eq!(skipped[0].sequence, Sequence(1));
}

#[tokio::test]
async fn all_parked_streams_are_retried() {
    let stage = stage(FailurePolicy::park()).await;
    stage.until_parked(1).await;
    stage.broken.store(false, Ordering::Relaxed);
    let fussy = Component::new("fussy").unwrap();
    let count = stage.client.retry_all(&fussy, Some("Zoë")).await;
    assert_eq!(count.unwrap(), 1);
    stage.until_parked(0).await;
    assert_eq!(stage.client.skipped(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn paused_work_is_resumed() {
    let stage = stage(FailurePolicy::pause()).await;
    let why = loop {
        let progress = stage.client.progress().await.unwrap();
        if let Some(why) = progress.into_iter().find_map(|one| one.checkpoint.paused) {
            break why;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    assert!(why.contains("the second one is too much"), "{why}");
    stage.broken.store(false, Ordering::Relaxed);
    let fussy = Component::new("fussy").unwrap();
    let resumed = stage.client.resume(&fussy).await.unwrap();
    assert_eq!(resumed.len(), 1);
    assert_eq!(resumed[0].component, fussy);
    stage.until_parked(0).await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_its_reason() {
    let stage = stage(FailurePolicy::park()).await;
    stage.until_parked(1).await;
    let other = Decision {
        component: Component::new("other").unwrap(),
        ..stage.decision(Will::Retry)
    };
    match stage.refused(&other).await {
        OperatorError::UnknownComponent { component, known } => {
            assert_eq!((component.as_str(), known[0].as_str()), ("other", "fussy"));
        }
        other => panic!("{other}"),
    }
    let elsewhere = Decision {
        sequence: Some(Sequence(3)),
        ..stage.decision(Will::Skip)
    };
    match stage.refused(&elsewhere).await {
        OperatorError::Elsewhere { asked, parked, .. } => {
            assert_eq!((asked, parked), (Sequence(3), Sequence(1)));
        }
        other => panic!("{other}"),
    }
    let unsaid = Decision {
        reason: None,
        ..stage.decision(Will::Skip)
    };
    let refused = stage.refused(&unsaid).await;
    assert!(matches!(refused, OperatorError::NoReason), "{refused}");
    let stranger = Decision {
        stream: till(),
        ..stage.decision(Will::Retry)
    };
    let refused = stage.refused(&stranger).await;
    assert!(
        matches!(refused, OperatorError::NotParked { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_malformed_decision_names_its_fields() {
    let stage = stage(FailurePolicy::park()).await;
    let mut admin = AdminServiceClient::new(stage.rig.channel.clone());
    let request = v1::DecideRequest {
        component: "No!".into(),
        ..v1::DecideRequest::default()
    };
    let refused = admin.decide(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(faulty_fields(&refused), ["component", "cover", "will"]);
}
