//! Senders that wait until what they wrote was handled: here, by another application on the store, by another process.

#[path = "support/storage.rs"]
mod storage;

use std::error::Error;
use std::future::IntoFuture;
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{
    Advance, Bookmark, CheckpointStore, CommandRequest, Component, Domain, EventFilter, Hold,
    LetterDecision, LetterStatus, LogId, LogPartition, Message, Owner, Position, ReactionLetter,
    RecordedEvent, Share, Store, StreamId, Taking, Tenure, Timestamp, Update, Verb, WaitFor,
    WhyNotHandled, Work,
};
use seriatim::prelude::*;
use seriatim::{
    AppBuilder, AtLeastOnce, BackOff, Client, Enrolled, FailurePolicy, Projector, ReactionSettings,
    WaitError, open_store,
};
use seriatim_testkit::faults::FaultyStore;
use seriatim_testkit::{soon, until};
use storage::on_every_storage;
use tokio::sync::Semaphore;

/// Told a store by this variable, the test program projects its events until it is killed.
const STORE: &str = "SERIATIM_TEST_STORE";
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Happened {
    Added { count: u32 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Do {
    Add { count: u32 },
    Nothing,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counter {
    total: u32,
}

impl Aggregate for Counter {
    const DOMAIN: &'static str = "counter";
    type Command = Do;
    type Event = Happened;
    type Rejection = Never;

    fn decide(&self, command: &Do) -> Result<Vec<Happened>, Never> {
        Ok(match command {
            Do::Add { count } => vec![Happened::Added { count: *count }],
            Do::Nothing => vec![],
        })
    }

    fn evolve(&mut self, Happened::Added { count }: &Happened) {
        self.total += count;
    }
}

/// The numbers that were added, in the order of the log. They are taken in only as far as there are permits.
#[derive(Clone)]
struct Additions {
    seen: Arc<Mutex<Vec<u32>>>,
    permits: Arc<Semaphore>,
    /// The number on which it fails.
    bad: Option<u32>,
}

impl Additions {
    fn new() -> Self {
        Self {
            seen: Arc::default(),
            permits: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS / 2)),
            bad: None,
        }
    }

    fn held() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
            ..Self::new()
        }
    }

    fn seen(&self) -> Vec<u32> {
        self.seen.lock().unwrap().clone()
    }
}

impl Projector for Additions {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            if let Some(event) = event.of::<Counter>() {
                let Happened::Added { count } = event?;
                if self.bad == Some(count) {
                    return Err(format!("{count} is too much").into());
                }
                self.permits.acquire().await?.forget();
                self.seen.lock().unwrap().push(count);
            }
        }
        Ok(())
    }
}

async fn counters(url: &str) -> AppBuilder {
    App::open(url).await.unwrap().aggregate::<Counter>()
}

fn not_handled(error: WaitError) -> (Receipt, WhyNotHandled) {
    match error {
        WaitError::NotHandled {
            receipt,
            not_handled,
        } => (*receipt, not_handled.why),
        WaitError::Refused(error) => panic!("{error}"),
    }
}

on_every_storage! {
    who_waits_finds_its_own_writes
    a_fact_and_a_repeated_command_are_waited_for_too
    all_else_can_be_said_after_whom_to_wait_for
    a_name_that_no_component_has_is_found_out_before_anything_is_written
    when_the_time_has_passed_the_receipt_is_there_and_waiting_can_go_on
    what_gives_no_events_is_waited_for_by_nobody
    a_component_whom_the_events_do_not_concern_is_not_waited_for
    that_a_component_is_paused_is_said_at_once
    that_a_stream_is_parked_is_said_at_once_until_somebody_has_decided
    that_a_stream_is_parked_already_is_said_at_once_by_its_own_process
    that_another_process_has_paused_is_said_at_once
    another_application_on_the_store_may_do_the_work
    another_process_may_do_the_work
    who_waits_over_the_wire_is_answered_as_well
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_log_of_four_partitions_who_waits_finds_its_own_writes() {
    who_waits_finds_its_own_writes("memory:?partitions=4").await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn and_so_it_is_on_postgresql() {
    let storage = storage::Storage::postgresql();
    who_waits_finds_its_own_writes(&format!("{}&partitions=4", storage.url())).await;
}

async fn who_waits_finds_its_own_writes(url: &str) {
    let (one, other) = (Additions::new(), Additions::new());
    let app = counters(url)
        .await
        .projector("one", EventFilter::default(), one.clone())
        .projector("other", EventFilter::default(), other.clone());
    let app = app.start().await.unwrap();
    for count in 0..50 {
        let sent = app.of::<Counter>(Uuid::now_v7()).send(Do::Add { count });
        let receipt = sent.wait_for("one").wait_for("other").await.unwrap();
        assert_eq!(receipt.sequences(), Some((Sequence(0), Sequence(0))));
        assert_eq!(one.seen().last(), Some(&count));
        assert_eq!(other.seen().last(), Some(&count));
    }
    app.shutdown().await.unwrap();
}

async fn all_else_can_be_said_after_whom_to_wait_for(url: &str) {
    let additions = Additions::new();
    let app = counters(url).await;
    let app = app.projector("additions", EventFilter::default(), additions.clone());
    let app = app.start().await.unwrap();
    let root = Uuid::now_v7();
    let event = async |sequence| {
        let events = app.of::<Counter>(root).events(Sequence(sequence), 1).await;
        events.unwrap().remove(0)
    };
    let sent = app.of::<Counter>(root).send(Do::Add { count: 1 });
    let sent = sent.wait_for("additions").and(Do::Add { count: 2 });
    let sent = sent.expecting(NoStream).external_id("e-1").actor("Ann");
    sent.correlation_id("c-1").await.unwrap();
    assert_eq!(additions.seen(), [1, 2]);
    let metadata = event(1).await.metadata;
    let said = [
        &metadata.external_id,
        &metadata.actor,
        &metadata.correlation_id,
    ];
    assert_eq!(
        said.map(Option::as_deref),
        [Some("e-1"), Some("Ann"), Some("c-1")]
    );
    let stale = app.of::<Counter>(root).send(Do::Add { count: 3 });
    let stale = stale
        .wait_for("additions")
        .expecting(NoStream)
        .merge(Strict);
    let refused = stale.await.unwrap_err();
    assert!(matches!(
        refused,
        WaitError::Refused(SubmitError::Conflict(_))
    ));
    let premised = app.of::<Counter>(root).send(Do::Add { count: 3 });
    let premised = premised.wait_for("additions").premise("nothing");
    let refused = premised.await.unwrap_err();
    assert!(matches!(
        refused,
        WaitError::Refused(SubmitError::Invalid(_))
    ));

    let fact = app
        .of::<Counter>(root)
        .record(Happened::Added { count: 4 }, "till", "7");
    let fact = fact.wait_for("additions").description("counted");
    let fact = fact.route_to_aggregate(false).actor("Bob");
    fact.correlation_id("c-2").await.unwrap();
    assert_eq!(additions.seen(), [1, 2, 4]);
    let metadata = event(2).await.metadata;
    assert_eq!(metadata.origin.as_ref().unwrap().description, "counted");
    let said = [&metadata.actor, &metadata.correlation_id];
    assert_eq!(said.map(Option::as_deref), [Some("Bob"), Some("c-2")]);
    app.shutdown().await.unwrap();
}

async fn a_fact_and_a_repeated_command_are_waited_for_too(url: &str) {
    let additions = Additions::new();
    let app = counters(url).await;
    let app = app.projector("additions", EventFilter::default(), additions.clone());
    let app = app.start().await.unwrap();
    let root = Uuid::now_v7();
    let fact = app
        .of::<Counter>(root)
        .record(Happened::Added { count: 7 }, "till", "7");
    fact.wait_for("additions").await.unwrap();
    assert_eq!(additions.seen(), [7]);
    let held = Additions::held();
    let app = App::on(Arc::clone(app.coordinator().store()))
        .aggregate::<Counter>()
        .projector("held", EventFilter::default(), held.clone())
        .start()
        .await
        .unwrap();
    let send = || {
        app.of::<Counter>(root)
            .send(Do::Add { count: 8 })
            .external_id("8")
    };
    send().await.unwrap();
    held.permits.add_permits(2);
    let receipt = send().wait_for("held").await.unwrap();
    assert!(
        matches!(receipt.outcome, Outcome::Duplicate(_)),
        "{receipt:?}"
    );
    assert_eq!(held.seen(), [7, 8]);
}

async fn a_name_that_no_component_has_is_found_out_before_anything_is_written(url: &str) {
    let app = counters(url).await;
    let app = app.projector("additions", EventFilter::default(), Additions::new());
    let app = app.start().await.unwrap();
    let root = Uuid::now_v7();
    for (name, says) in [("aditions", "`additions`"), ("No!", "cannot name")] {
        let sent = app.of::<Counter>(root).send(Do::Add { count: 1 });
        let refused = sent.wait_for("additions").wait_for(name).await.unwrap_err();
        let WaitError::Refused(SubmitError::Invalid(violations)) = refused else {
            panic!("{refused}");
        };
        assert_eq!(violations[0].field, "wait_for.components[1]");
        assert!(violations[0].description.contains(says), "{violations:?}");
    }
    let written = app.of::<Counter>(root).events(Sequence::FIRST, 9).await;
    assert!(written.unwrap().is_empty());
}

async fn when_the_time_has_passed_the_receipt_is_there_and_waiting_can_go_on(url: &str) {
    let additions = Additions::held();
    let app = counters(url).await;
    let app = app.projector("additions", EventFilter::default(), additions.clone());
    let app = app.start().await.unwrap();
    let sent = app.of::<Counter>(Uuid::now_v7()).send(Do::Add { count: 1 });
    let limit = Duration::from_millis(20);
    let waited = sent.wait_for("additions").within(limit).await;
    let (receipt, why) = not_handled(waited.unwrap_err());
    assert_eq!(receipt.sequences(), Some((Sequence(0), Sequence(0))));
    let position = Position::START;
    assert_eq!(why, WhyNotHandled::TimePassed { limit, position });
    additions.permits.add_permits(1);
    app.wait_for(receipt, "additions")
        .within(HOUR)
        .await
        .unwrap();
    assert_eq!(additions.seen(), [1]);
}

async fn what_gives_no_events_is_waited_for_by_nobody(url: &str) {
    let app = counters(url).await;
    let app = app.projector("held", EventFilter::default(), Additions::held());
    let app = app.start().await.unwrap();
    let root = Uuid::now_v7();
    app.of::<Counter>(root)
        .send(Do::Add { count: 1 })
        .await
        .unwrap();
    let sent = app.of::<Counter>(root).send(Do::Nothing).wait_for("held");
    let receipt = sent.within(HOUR).await.unwrap();
    assert!(matches!(receipt.outcome, Outcome::Unchanged { .. }));
}

async fn a_component_whom_the_events_do_not_concern_is_not_waited_for(url: &str) {
    let others = EventFilter {
        domains: vec!["order".parse().unwrap()],
        ..EventFilter::default()
    };
    // So long that the checkpoint is not moved over them in between.
    let app = counters(url).await.reaction_settings(an_hour("it"));
    let app = app.projector("orders", others, Additions::held());
    let app = app.start().await.unwrap();
    let sent = app.of::<Counter>(Uuid::now_v7()).send(Do::Add { count: 1 });
    sent.wait_for("orders").within(HOUR).await.unwrap();
}

fn impatient(store: &Arc<dyn Store>, name: &str, projector: Additions) -> Enrolled {
    let name = Component::new(name).unwrap();
    let reaction = AtLeastOnce::new(
        name,
        EventFilter::default(),
        Arc::clone(store) as Arc<dyn CheckpointStore>,
        projector,
    );
    Enrolled {
        policy: FailurePolicy {
            back_off: BackOff {
                retries: 0,
                ..BackOff::default()
            },
            ..FailurePolicy::pause()
        },
        shares: NonZero::new(2).unwrap(),
        ..Enrolled::new(Arc::new(reaction))
    }
}

async fn that_a_component_is_paused_is_said_at_once(url: &str) {
    let store = open_store(url).await.unwrap();
    let additions = Additions {
        bad: Some(13),
        ..Additions::new()
    };
    let app = App::on(Arc::clone(&store)).aggregate::<Counter>();
    let app = app.component(impatient(&store, "additions", additions));
    let app = app.start().await.unwrap();
    let root = Uuid::now_v7();
    let send = |count| {
        let sent = app.of::<Counter>(root).send(Do::Add { count });
        sent.wait_for("additions").within(HOUR)
    };
    send(1).await.unwrap();
    for count in [13, 14] {
        let (receipt, why) = not_handled(send(count).await.unwrap_err());
        assert!(receipt.sequences().is_some());
        let WhyNotHandled::Paused { failure } = why else {
            panic!("{why}");
        };
        assert!(failure.contains("13 is too much"), "{failure}");
    }
}

/// The checkpoint of the process itself would be moved over what comes later with its heartbeat only.
async fn that_a_stream_is_parked_already_is_said_at_once_by_its_own_process(url: &str) {
    let store = open_store(url).await.unwrap();
    let additions = Additions {
        bad: Some(13),
        ..Additions::new()
    };
    let component = Enrolled {
        policy: FailurePolicy {
            back_off: BackOff {
                retries: 0,
                ..BackOff::default()
            },
            ..FailurePolicy::park()
        },
        ..impatient(&store, "additions", additions)
    };
    let app = App::on(store).aggregate::<Counter>().component(component);
    let app = app.reaction_settings(an_hour("it"));
    let app = app.start().await.unwrap();
    let root = Uuid::now_v7();
    for count in [13, 14] {
        let sent = app.of::<Counter>(root).send(Do::Add { count });
        let waited = sent.wait_for("additions").within(HOUR).into_future();
        let waited = tokio::time::timeout(Duration::from_secs(60), waited).await;
        let waited = waited.expect("it is said at once");
        let (receipt, why) = not_handled(waited.unwrap_err());
        assert!(receipt.sequences().is_some());
        let WhyNotHandled::Parked { sequence, failure } = why else {
            panic!("{why}");
        };
        assert_eq!(sequence, Sequence::FIRST);
        assert!(failure.contains("13 is too much"), "{failure}");
    }
}

/// How often something is looked at must not depend on how many wait, and on how many pieces of work there are.
#[tokio::test]
async fn the_log_is_looked_at_only_where_a_checkpoint_has_passed_the_events() {
    let faulty = FaultyStore::new(open_store("memory:").await.unwrap());
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    let app = App::on(Arc::clone(&store)).aggregate::<Counter>();
    let app = app.start().await.unwrap();
    let mut elsewhere = ByHand::begin(&store).await;
    let send = || app.of::<Counter>(Uuid::now_v7()).send(Do::Add { count: 1 });
    send().await.unwrap();
    let at = |position| Advance::Checkpoint(Bookmark::at(Position(position)));
    elsewhere.advance(&at(1)).await;

    let calls = |action| faulty.calls().get(action).copied().unwrap_or_default();
    let (looks, reads) = (calls("list the checkpoints"), faulty.log_reads());
    let waited = tokio::spawn(send().wait_for("elsewhere").within(HOUR).into_future());
    until("it is looked at again and again", async || {
        calls("list the checkpoints") >= looks + 5
    })
    .await;
    assert_eq!(faulty.log_reads(), reads);
    elsewhere.advance(&at(2)).await;
    waited.await.unwrap().unwrap();
    assert!(faulty.log_reads() > reads);

    // A place in another log is no place in this one, whether it is before the events or after them.
    for position in [Position(2), Position(9)] {
        let other = Bookmark {
            log: Some(LogId(Uuid::now_v7())),
            position,
            event: None,
        };
        elsewhere.advance(&Advance::Checkpoint(other)).await;
        let waited = send().wait_for("elsewhere").within(HOUR).into_future();
        let waited = soon(waited).await;
        let (_, why) = not_handled(waited.unwrap_err());
        let is_replaced = |failure: &str| failure.starts_with("the log was replaced");
        assert!(
            matches!(&why, WhyNotHandled::Paused { failure } if is_replaced(failure)),
            "{why}"
        );
    }
}

/// The checkpoint has passed the events of a stream that is between two tries, and nobody is told that they are
/// handled.
#[tokio::test]
async fn the_log_is_not_looked_at_for_each_who_waits_for_a_stream_that_is_tried_again() {
    let faulty = FaultyStore::new(open_store("memory:").await.unwrap());
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    let additions = Additions {
        bad: Some(13),
        ..Additions::new()
    };
    let back_off = BackOff {
        first: HOUR,
        longest: HOUR,
        retries: 1,
    };
    let component = Enrolled {
        policy: FailurePolicy {
            back_off,
            ..FailurePolicy::park()
        },
        ..impatient(&store, "additions", additions)
    };
    let app = App::on(Arc::clone(&store)).aggregate::<Counter>();
    let app = app.component(component).reaction_settings(an_hour("it"));
    let app = app.start().await.unwrap();
    let sent = app
        .of::<Counter>(Uuid::now_v7())
        .send(Do::Add { count: 13 });
    let receipt = sent.await.unwrap();
    until("the stream waits for its next try", async || {
        let parked = store.parked(None).await.unwrap();
        matches!(&parked[..], [parked] if parked.decision.is_some())
    })
    .await;

    let calls = |action| faulty.calls().get(action).copied().unwrap_or_default();
    // Each who waits looks once by itself for what holds it back. A look for all of them lists the checkpoints too.
    let own_looks = || calls("list the parked streams") - calls("list the checkpoints");
    let before = own_looks();
    let waiters = (0..100).map(|_| app.wait_for(receipt.clone(), "additions"));
    let waiters = waiters.map(|wait| tokio::spawn(wait.within(HOUR).into_future()));
    let waiters: Vec<_> = waiters.collect();
    until("all of them wait", async || own_looks() >= before + 100).await;
    let (looks, reads) = (calls("list the checkpoints"), faulty.log_reads());
    until("it is looked at again and again", async || {
        calls("list the checkpoints") >= looks + 10
    })
    .await;
    assert_eq!(faulty.log_reads(), reads);
    waiters
        .iter()
        .for_each(|waiter| assert!(!waiter.is_finished()));
}

/// Another process, played by hand: it has taken the work, and says what it does.
struct ByHand {
    store: Arc<dyn Store>,
    tenure: Tenure,
}

impl ByHand {
    async fn begin(store: &Arc<dyn Store>) -> Self {
        let work = Work {
            component: Component::new("elsewhere").unwrap(),
            partition: LogPartition::FIRST,
            share: Share::WHOLE,
        };
        let owner = Owner::new("another");
        let taking = store.take(&work, &owner, HOUR).await;
        let Taking::Taken(tenure) = taking.unwrap() else {
            panic!("nobody else is there");
        };
        Self {
            store: Arc::clone(store),
            tenure,
        }
    }

    /// Parks a stream at its first event, which is the next of the log.
    async fn park(&mut self, stream: &StreamId) {
        let parked = ReactionLetter {
            work: self.tenure.work.clone(),
            stream: stream.clone(),
            sequence: Sequence::FIRST,
            id: Some(Uuid::now_v7()),
            failure: "13 is too much".into(),
            tries: 1,
            parked_at: Timestamp::now(),
            attempts: vec![],
            decision: None,
            status: LetterStatus::Parked,
            closed_at: None,
        };
        let to = Bookmark::at(Position(self.tenure.at.position.0 + 1));
        let held = self
            .store
            .write(
                &self.tenure,
                &Update::Park(Box::new(parked.clone()), to),
                HOUR,
            )
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
        self.tenure.at = to;
    }

    async fn advance(&mut self, advance: &Advance) {
        let held = self
            .store
            .write(&self.tenure, &Update::Advance(advance.clone()), HOUR)
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
        if let Advance::Checkpoint(place) = advance {
            self.tenure.at = *place;
        }
    }
}

async fn that_a_stream_is_parked_is_said_at_once_until_somebody_has_decided(url: &str) {
    let store = open_store(url).await.unwrap();
    let app = App::on(Arc::clone(&store)).aggregate::<Counter>();
    let app = app.start().await.unwrap();
    let mut elsewhere = ByHand::begin(&store).await;
    let root = Uuid::now_v7();
    let receipt = app
        .of::<Counter>(root)
        .send(Do::Add { count: 13 })
        .await
        .unwrap();
    let stream = receipt.stream.clone();
    elsewhere.park(&stream).await;

    let wait = || app.wait_for(receipt.clone(), "elsewhere");
    let (_, why) = not_handled(wait().within(HOUR).await.unwrap_err());
    let sequence = Sequence::FIRST;
    let failure = "13 is too much".to_owned();
    let parked = WhyNotHandled::Parked { sequence, failure };
    assert_eq!(why, parked);
    // What queues behind it, and was not even looked at yet; but not what another stream has.
    let sent = app.of::<Counter>(root).send(Do::Add { count: 1 });
    let waited = sent.wait_for("elsewhere").within(HOUR).await;
    assert_eq!(not_handled(waited.unwrap_err()).1, parked);
    let other = app.of::<Counter>(Uuid::now_v7()).send(Do::Add { count: 1 });
    let other = other.await.unwrap();
    elsewhere
        .advance(&Advance::Checkpoint(Bookmark::at(Position(3))))
        .await;
    app.wait_for(other, "elsewhere").within(HOUR).await.unwrap();

    let wish = LetterDecision {
        verb: Verb::Resubmit,
        actor: None,
        reason: None,
        at: Timestamp::now(),
    };
    let work = elsewhere.tenure.work.clone();
    let decided = store.decide(&work, &stream, sequence, &wish).await;
    assert!(decided.unwrap());
    let limit = Duration::from_millis(50);
    let (_, why) = not_handled(wait().within(limit).await.unwrap_err());
    assert!(matches!(why, WhyNotHandled::TimePassed { .. }), "{why}");
    let unparked = Advance::Parked {
        stream,
        from: sequence,
        to: None,
    };
    let (waited, ()) = tokio::join!(
        wait().within(HOUR).into_future(),
        elsewhere.advance(&unparked)
    );
    waited.unwrap();
}

async fn that_another_process_has_paused_is_said_at_once(url: &str) {
    let store = open_store(url).await.unwrap();
    let app = App::on(Arc::clone(&store)).aggregate::<Counter>();
    let app = app.start().await.unwrap();
    let elsewhere = ByHand::begin(&store).await;
    let held = store
        .write(
            &elsewhere.tenure,
            &Update::Pause("it had enough".into()),
            HOUR,
        )
        .await;
    assert_eq!(held.unwrap(), Hold::Held);
    let sent = app.of::<Counter>(Uuid::now_v7()).send(Do::Add { count: 1 });
    let waited = sent.wait_for("elsewhere").within(HOUR).await;
    let failure = "it had enough".to_owned();
    let paused = WhyNotHandled::Paused { failure };
    assert_eq!(not_handled(waited.unwrap_err()).1, paused);
}

async fn another_application_on_the_store_may_do_the_work(url: &str) {
    let sender = counters(url).await.start().await.unwrap();
    let root = Uuid::now_v7();
    let send = |count| {
        let sent = sender.of::<Counter>(root).send(Do::Add { count });
        sent.wait_for("additions").within(HOUR)
    };
    let refused = send(1).await.unwrap_err();
    assert!(
        matches!(refused, WaitError::Refused(_)),
        "it is not there yet: {refused}"
    );

    let additions = Additions::new();
    let worker = counters(url).await;
    let worker = worker.projector("additions", EventFilter::default(), additions.clone());
    let worker = worker.start().await.unwrap();
    until("the work is taken", async || !store_is_empty(&worker).await).await;
    for count in 2..12 {
        send(count).await.unwrap();
        assert_eq!(additions.seen().last(), Some(&count));
    }
    // One that stands by looks at the checkpoint too.
    let standby = counters(url).await;
    let standby = standby.projector("additions", EventFilter::default(), Additions::held());
    let standby = standby.start().await.unwrap();
    let sent = standby.of::<Counter>(root).send(Do::Add { count: 99 });
    sent.wait_for("additions").within(HOUR).await.unwrap();
    assert_eq!(additions.seen().last(), Some(&99));
}

/// The door is that of an application without the component; another one on the store does its work.
async fn who_waits_over_the_wire_is_answered_as_well(url: &str) {
    let additions = Additions::held();
    let worker = counters(url).await;
    let worker = worker.projector("additions", EventFilter::default(), additions.clone());
    let worker = worker.start().await.unwrap();
    until("the work is taken", async || !store_is_empty(&worker).await).await;
    let door = counters(url).await.listen("127.0.0.1:0");
    let door = door.start().await.unwrap();
    let server = format!("http://{}", door.address().unwrap());
    let client = Client::connect(&server, HOUR).await.unwrap();
    let root = Uuid::now_v7();
    let ask = async |count, component: &str, limit| {
        let stream = StreamId::new(Domain::of::<Counter>(), root);
        let request = CommandRequest::new(stream, Do::Add { count }.encode().unwrap());
        let components = vec![component.parse().unwrap()];
        let wait = WaitFor { components, limit };
        client.submit_and_wait(&request, &wait).await
    };
    let limit = Duration::from_millis(20);
    let (receipt, waited) = ask(1, "additions", limit).await.unwrap();
    assert_eq!(receipt.sequences(), Some((Sequence(0), Sequence(0))));
    let why = waited.unwrap_err().why;
    assert!(matches!(why, WhyNotHandled::TimePassed { .. }), "{why}");
    additions.permits.add_permits(2);
    let (receipt, waited) = ask(2, "additions", HOUR).await.unwrap();
    assert_eq!(receipt.sequences(), Some((Sequence(1), Sequence(1))));
    waited.unwrap();
    assert_eq!(additions.seen(), [1, 2]);
    let refused = ask(3, "aditions", HOUR).await.unwrap_err();
    assert!(refused.to_string().contains("`additions`"), "{refused}");
    door.shutdown().await.unwrap();
    worker.shutdown().await.unwrap();
}

async fn store_is_empty(app: &App) -> bool {
    let checkpoints = app.coordinator().store().checkpoints(None).await;
    checkpoints.unwrap().is_empty()
}

async fn another_process_may_do_the_work(url: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "projecting_process", "--nocapture"])
        .env(STORE, url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("projecting"));
    let app = counters(url).await.start().await.unwrap();
    let root = Uuid::now_v7();
    for count in 0..10 {
        let sent = app.of::<Counter>(root).send(Do::Add { count });
        sent.wait_for("additions").within(HOUR).await.unwrap();
        // Written before the checkpoint moved.
        assert_eq!(lines.next().unwrap().unwrap(), format!("added {count}"));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let sent = app.of::<Counter>(root).send(Do::Add { count: 10 });
    let limit = Duration::from_millis(50);
    let waited = sent.wait_for("additions").within(limit).await;
    let (_, why) = not_handled(waited.unwrap_err());
    let position = Position(10);
    assert_eq!(why, WhyNotHandled::TimePassed { limit, position });

    // It has died, so nobody waits for its lease to run out.
    let additions = Additions::new();
    let next = (counters(url).await)
        .projector("additions", EventFilter::default(), additions.clone())
        .reaction_settings(an_hour("next"));
    let next = next.start().await.unwrap();
    let sent = next.of::<Counter>(root).send(Do::Add { count: 11 });
    let waited = sent.wait_for("additions").within(HOUR).into_future();
    let waited = tokio::time::timeout(Duration::from_secs(60), waited).await;
    waited.expect("the work is taken at once").unwrap();
    assert_eq!(additions.seen(), [10, 11]);
    let progress = next.reactions().progress().await.unwrap();
    assert_eq!(progress[0].checkpoint.owner.as_deref(), Some("next"));
    next.shutdown().await.unwrap();
}

fn an_hour(owner: &str) -> ReactionSettings {
    ReactionSettings {
        owner: owner.into(),
        lease: HOUR,
        ..ReactionSettings::default()
    }
}

/// Runs a child process.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn projecting_process() {
    let url = std::env::var(STORE).expect("the test that starts it says where");
    let app = counters(&url).await;
    let app = app.projector("additions", EventFilter::default(), Prints);
    let app = app.reaction_settings(an_hour("killed"));
    let app = app.start().await.unwrap();
    until("the work is taken", async || !store_is_empty(&app).await).await;
    println!("\nprojecting");
    std::future::pending::<()>().await;
}

struct Prints;

impl Projector for Prints {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            if let Some(event) = event.of::<Counter>() {
                let Happened::Added { count } = event?;
                println!("added {count}");
            }
        }
        Ok(())
    }
}
