//! A saga and a process manager of today react to yesterday's events, and an audit asks them about the same ones.

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, EventFilter};
use seriatim::prelude::*;
use seriatim::{Audit, LetterFilter, Process};

use crate::accounts::{Account, Happened};
use crate::stage::{only, today_on, until, written_yesterday};

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Booked {
    Booked { cents: u64 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Book {
    Book { cents: u64 },
}

/// The sum that all accounts have together.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ledger {
    cents: u64,
}

impl Aggregate for Ledger {
    const DOMAIN: &'static str = "ledger";
    type Command = Book;
    type Event = Booked;
    type Rejection = Never;

    fn decide(&self, Book::Book { cents }: &Book) -> Result<Vec<Booked>, Never> {
        Ok(vec![Booked::Booked { cents: *cents }])
    }

    fn evolve(&mut self, Booked::Booked { cents }: &Booked) {
        self.cents += cents;
    }
}

struct Bookkeeping;

impl Saga for Bookkeeping {
    const NAME: &'static str = "bookkeeping";
    type Source = Account;

    fn react(
        &self,
        Happened::Deposited { cents }: &Happened,
        _: &RecordedEvent,
        effects: &mut Effects,
    ) {
        effects.send::<Ledger>(Uuid::nil(), &Book::Book { cents: *cents });
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Step {
    Deposited { cents: u64 },
}

/// Counts what was paid into an account.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counting {
    cents: u64,
}

impl ProcessManager for Counting {
    const NAME: &'static str = "counting";
    type Input = Step;

    fn filter() -> EventFilter {
        only(&["Deposited"])
    }

    fn correlate(event: &RecordedEvent) -> Result<Option<(Uuid, Step)>, DecodeError> {
        let Some(happened) = event.of::<Account>() else {
            return Ok(None);
        };
        let Happened::Deposited { cents } = happened?;
        Ok(Some((event.stream.root, Step::Deposited { cents })))
    }

    fn decide(&self, _: &Trigger<Step>, _: &mut Plan) {}

    fn evolve(&mut self, trigger: &Trigger<Step>) {
        if let Trigger::Input(Step::Deposited { cents }) = trigger {
            self.cents += cents;
        }
    }
}

#[tokio::test]
async fn sagas_and_process_managers_react_to_todays_events_and_the_audit_agrees() {
    let (store, root) = written_yesterday().await;
    let app = today_on(&store)
        .aggregate::<Ledger>()
        .saga(Bookkeeping)
        .process_manager::<Counting>()
        .start()
        .await
        .unwrap();
    until("both have all of it", async || {
        let ledger = app.of::<Ledger>(Uuid::nil()).state().await.unwrap();
        let process = app.of::<Process<Counting>>(root).state().await.unwrap();
        (ledger.state.cents, process.state.state().cents) == (500, 500)
    })
    .await;
    assert!(
        app.desk()
            .letters(&LetterFilter::default(), 9)
            .await
            .unwrap()
            .is_empty()
    );
    until("all of it is accounted for", async || {
        let Audit {
            effects, findings, ..
        } = app.audit().await.unwrap();
        assert_eq!(findings, []);
        let found = |component: &str| {
            let of_it = effects
                .iter()
                .find(|one| one.component.as_str() == component);
            of_it.unwrap().effects
        };
        (found("bookkeeping"), found("counting.inputs")) == (2, 2)
    })
    .await;
    app.shutdown().await.unwrap();
}
