//! States, subscriptions, projectors, sagas, the wire, the audit: all of them see the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seriatim::core::{Append, Domain, EventFilter, NewEvent, Payload, Store, StreamId, Write};
use seriatim::prelude::*;
use seriatim::{
    BackOff, Begin, Client, FailurePolicy, LetterFilter, LetterStatus, StartAppError, Subscription,
};

use crate::accounts::{Account, Do, Happened, yesterday};
use crate::stage::{Seen, in_time, only, today_on, until, written_yesterday, yesterday_on};

#[tokio::test]
async fn a_state_is_folded_from_todays_events() {
    let (store, root) = written_yesterday().await;
    let app = today_on(&store).start().await.unwrap();
    let now = app.of::<Account>(root).state().await.unwrap();
    assert_eq!((now.state.cents, now.sequence), (500, Some(Sequence(2))));
    // What is nothing any more still has its sequence.
    let receipt = app
        .of::<Account>(root)
        .send(Do::Deposit { cents: 1 })
        .expecting(2);
    assert!(matches!(
        receipt.await.unwrap().outcome,
        Outcome::Committed(_)
    ));
    let then = app
        .of::<Account>(root)
        .state_at(At::Sequence(Sequence(1)))
        .await;
    assert_eq!(then.unwrap().state.cents, 300);
    app.shutdown().await.unwrap();
}

/// The names and contents of what comes up to the end of the log, and the position of the cursor there.
async fn all(subscription: &mut Subscription) -> (Vec<String>, u64) {
    let mut seen = Vec::new();
    loop {
        let batch = in_time(subscription.next()).await.unwrap();
        seen.extend(batch.events().map(|event| format!("{:?}", event.payload)));
        if batch.caught_up() {
            return (seen, batch.cursor().positions().next().unwrap().0);
        }
    }
}

const TODAY: [&str; 2] = [r#"Deposited {"cents":300}"#, r#"Deposited {"cents":200}"#];

#[tokio::test]
async fn a_subscriber_names_events_as_today_and_may_name_them_as_yesterday() {
    let (store, _) = written_yesterday().await;
    let app = today_on(&store).start().await.unwrap();
    for filter in [
        EventFilter::default(),
        only(&["Deposited"]),
        only(&["MoneyAdded"]),
    ] {
        let mut events = app.subscribe(Begin::AtTheFirst, filter).await.unwrap();
        let (seen, cursor) = all(&mut events).await;
        assert_eq!((&seen[..], cursor), (&TODAY.map(String::from)[..], 3));
    }
    let mut gone = app
        .subscribe(Begin::AtTheFirst, only(&["Greeted"]))
        .await
        .unwrap();
    assert_eq!(all(&mut gone).await, (vec![], 3));
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_projector_that_filters_by_todays_name_is_given_what_was_stored_under_another() {
    let (store, root) = written_yesterday().await;
    let seen = Seen::default();
    let app = today_on(&store)
        .projector("deposits", only(&["Deposited"]), seen.clone())
        .start()
        .await
        .unwrap();
    let deposit = app.of::<Account>(root).send(Do::Deposit { cents: 7 });
    deposit.wait_for("deposits").await.unwrap();
    let (names, cents) = seen.get();
    assert_eq!((names.len(), cents), (3, 507));
    assert!(names.iter().all(|name| name == "Deposited"));
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_process_that_only_reacts_says_what_it_reads() {
    let (store, _) = written_yesterday().await;
    let seen = Seen::default();
    let app = App::on(store)
        .reads::<Account>()
        .projector("deposits", only(&["Deposited"]), seen.clone())
        .start()
        .await
        .unwrap();
    until("all deposits are seen", async || seen.get().1 == 500).await;
    let unknown = app
        .of::<Account>(Uuid::now_v7())
        .send(Do::Deposit { cents: 1 })
        .await;
    assert!(matches!(unknown, Err(SubmitError::UnknownDomain { .. })));
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_filter_that_names_what_nothing_is_called_any_more_is_refused() {
    let (store, _) = written_yesterday().await;
    let app = today_on(&store).projector("deposits", only(&["MoneyAdded"]), Seen::default());
    match app.start().await.unwrap_err() {
        StartAppError::FormerName {
            component,
            former,
            today,
        } => {
            let named = (component.as_str(), former.as_str(), today);
            assert_eq!(named, ("deposits", "MoneyAdded", "Deposited"));
        }
        other => panic!("{other}"),
    }
}

/// The checkpoint stands for what the filter let through, whatever that was called then.
#[tokio::test]
async fn a_filter_that_was_renamed_with_its_type_was_not_widened() {
    let (store, root) = written_yesterday().await;
    let noted = Noted::default();
    let app = App::on(Arc::clone(&store)).aggregate::<yesterday::Account>();
    let app = app.projector("deposits", only(&["MoneyAdded"]), noted.clone());
    let app = app.start().await.unwrap();
    until("all of it is handled", async || noted.count() == 2).await;
    app.shutdown().await.unwrap();

    let today = || today_on(&store).projector("deposits", only(&["Deposited"]), noted.clone());
    let app = today().start().await.unwrap();
    let deposit = app.of::<Account>(root).send(Do::Deposit { cents: 7 });
    deposit.wait_for("deposits").await.unwrap();
    assert_eq!(noted.count(), 3);
    app.shutdown().await.unwrap();
    today().start().await.unwrap().shutdown().await.unwrap();
}

/// The number of events that it was given.
#[derive(Clone, Default)]
struct Noted(Arc<AtomicUsize>);

impl Noted {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl seriatim::Projector for Noted {
    async fn project(
        &self,
        events: &[&RecordedEvent],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.fetch_add(events.len(), Ordering::SeqCst);
        Ok(())
    }
}

/// Fails on everything.
struct Failing;

impl seriatim::Projector for Failing {
    async fn project(
        &self,
        _: &[&RecordedEvent],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err("no".into())
    }
}

#[tokio::test]
async fn a_policy_skips_types_by_todays_names() {
    let (store, _) = written_yesterday().await;
    let policy = FailurePolicy {
        back_off: BackOff {
            first: Duration::ZERO,
            longest: Duration::ZERO,
            retries: 0,
        },
        skip: vec!["Deposited".into()],
        ..FailurePolicy::park()
    };
    let app = today_on(&store)
        .projector("failing", EventFilter::default(), Failing)
        .failure_policy("failing", policy)
        .start()
        .await
        .unwrap();
    let discarded = LetterFilter {
        status: Some(LetterStatus::Discarded),
        ..LetterFilter::default()
    };
    until("both are skipped", async || {
        app.desk().letters(&discarded, 9).await.unwrap().len() == 2
    })
    .await;
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn over_the_wire_events_are_todays_too() {
    let (store, root) = written_yesterday().await;
    let app = today_on(&store)
        .listen("127.0.0.1:0")
        .start()
        .await
        .unwrap();
    let url = format!("http://{}", app.address().unwrap());
    let client = Client::connect(&url, Duration::from_secs(30))
        .await
        .unwrap();
    let mut events = client
        .subscribe(Begin::AtTheFirst, only(&["Deposited"]))
        .await
        .unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let batch = in_time(events.next()).await.unwrap();
        seen.extend(
            batch
                .events
                .iter()
                .map(|event| format!("{:?}", event.payload)),
        );
    }
    assert_eq!(seen, TODAY);

    let stream = StreamId::new(Domain::of::<Account>(), root);
    let mut books = client.events(&stream, None, None).await.unwrap();
    let mut shown = Vec::new();
    while let Some(events) = books.next().await.unwrap() {
        shown.extend(events.iter().map(|event| format!("{:?}", event.payload)));
    }
    assert_eq!(shown, [TODAY[0], "nothing any more", TODAY[1]]);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_conflict_shows_what_came_between_as_today() {
    let (store, root) = written_yesterday().await;
    let app = today_on(&store).start().await.unwrap();
    let send = app.of::<Account>(root).send(Do::Deposit { cents: 1 });
    match send.expecting(0).merge(Strict).await {
        Err(SubmitError::Conflict(conflict)) => {
            let shown = conflict
                .intervening
                .iter()
                .map(|event| format!("{:?}", event.payload));
            assert_eq!(shown.collect::<Vec<_>>(), ["nothing any more", TODAY[1]]);
        }
        other => panic!("{other:?}"),
    }
    // What is nothing any more is not in the way of a merge.
    let send = app.of::<Account>(root).send(Do::Deposit { cents: 1 });
    let merged = send.expecting(0).merge(Commutative).await.unwrap();
    assert!(matches!(merged.outcome, Outcome::Committed(commit) if commit.merged));
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_event_on_which_the_upcast_panics_is_missed_by_nobody() {
    let (store, root) = written_yesterday().await;
    let app = yesterday_on(&store).await;
    let unlucky = yesterday::Do::Add { euros: 13 };
    app.of::<yesterday::Account>(root)
        .send(unlucky)
        .await
        .unwrap();
    app.shutdown().await.unwrap();

    let seen = Seen::default();
    let policy = FailurePolicy {
        back_off: BackOff {
            first: Duration::ZERO,
            longest: Duration::ZERO,
            retries: 0,
        },
        ..FailurePolicy::park()
    };
    let app = today_on(&store)
        .projector("deposits", only(&["Deposited"]), seen.clone())
        .failure_policy("deposits", policy)
        .start()
        .await
        .unwrap();
    let why = "the upcast of `MoneyAdded` panicked";
    until("it is parked", async || {
        let letters = app
            .desk()
            .letters(&LetterFilter::default(), 9)
            .await
            .unwrap();
        letters
            .iter()
            .any(|letter| format!("{letter:?}").contains(why))
    })
    .await;
    assert_eq!(seen.get().1, 500);
    let broken = app
        .of::<Account>(root)
        .send(Do::Deposit { cents: 1 })
        .await
        .unwrap_err();
    assert!(broken.to_string().contains(why), "{broken}");
    app.shutdown().await.unwrap();
}

/// Types of a domain that nobody here knows, and unknown types of one that is known.
#[tokio::test]
async fn what_no_aggregate_knows_stays_as_it_is_stored() {
    let (store, _) = written_yesterday().await;
    for domain in ["account", "elsewhere"] {
        append(&store, domain, Payload::json("Foreign", r#"{"a":1}"#)).await;
    }
    let app = today_on(&store).start().await.unwrap();
    let mut events = app
        .subscribe(Begin::AtTheFirst, only(&["Foreign"]))
        .await
        .unwrap();
    let (seen, _) = all(&mut events).await;
    assert_eq!(seen, [r#"Foreign {"a":1}"#; 2]);
    app.shutdown().await.unwrap();
}

async fn append(store: &Arc<dyn Store>, domain: &str, payload: Payload) {
    let event = NewEvent {
        id: Uuid::now_v7(),
        payload,
        metadata: Arc::default(),
    };
    let append = Append {
        stream: StreamId::new(Domain::new(domain).unwrap(), Uuid::now_v7()),
        write: Write::Events {
            after: None,
            last: None,
            events: Arc::new([event]),
        },
        claim: None,
        beside: Vec::new(),
    };
    store.append(vec![append]).await.unwrap();
}

#[test]
fn an_event_of_today_comes_out_as_it_came_in() {
    let event = Happened::Deposited { cents: 5 };
    let payload = seriatim::core::Message::encode(&event).unwrap();
    assert_eq!(Account::upcast(payload.clone()), payload);
}
