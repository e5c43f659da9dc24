//! LETTERS: how long it takes to list the newest of very many dead letters, half of commands and half of events, as
//! `seriatim dead-letters list --latest-first` does. Half of those about events are closed.

use std::time::Instant;

use seriatim::core::{
    Advance, Append, Bookmark, CommandLetter, CommandRequest, Component, Conflict, DeadLetter,
    Domain, ExpectedSequence, Hold, LetterFilter, LetterStatus, LogPartition, Owner, ParkReason,
    Payload, Position, ReactionLetter, Sequence, Share, Store, StreamId, Taking, Timestamp, Update,
    Work, Write,
};
use seriatim::prelude::Uuid;
use seriatim_bench::Outcome;
use seriatim_bench::measure::{Figures, in_turn};
use seriatim_bench::row::{Must, Row};
use tokio::task::JoinSet;

use crate::context::{Context, On};

/// How many letters there are, whether it is to be quick or not.
const LETTERS: usize = 100_000;
/// The components that give events up.
const COMPONENTS: [&str; 5] = ["printer", "emails", "invoices", "stock", "search"];
/// The pieces of work of a component, which write letters at the same time.
const SHARES: u16 = 10;
const PAGE: usize = 50;
/// The limit of the budget.
const LIMIT_MILLIS: f64 = 5.0;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [parked, all] = in_turn(
        context.rounds,
        [
            &mut || milliseconds(context, on, Some(LetterStatus::Parked)),
            &mut || milliseconds(context, on, None),
        ],
    )?;
    let rows = [(parked, "that wait"), (all, "of any status")];
    let rows = rows.map(|(page, which)| {
        let limit = Figures(vec![LIMIT_MILLIS; page.0.len()]);
        let workload = format!("the newest {PAGE} {which} of {LETTERS} dead letters");
        let row = Row::compared("LETTERS", workload, "ms", &page, "the limit set", &limit);
        row.must(Must::AtMost(1.0))
    });
    Ok(rows.into())
}

/// Returns how long a page of the letters with this status takes.
fn milliseconds(context: &Context, on: On, status: Option<LetterStatus>) -> Outcome<f64> {
    let turns = context.scaled(100);
    context.in_database(on, async |database| {
        let store = seriatim::open_store(&database.url).await?;
        let works_count = COMPONENTS.len() * usize::from(SHARES);
        let wave = LETTERS / 2 / works_count;
        for _ in 0..works_count {
            let batch = (0..wave).map(|_| of_command()).collect();
            store.append(batch).await?;
        }
        let mut works = JoinSet::new();
        for component in COMPONENTS {
            for share in Share::all(SHARES.try_into()?) {
                let store = std::sync::Arc::clone(&store);
                works.spawn(async move { give_up(&*store, component, share, wave).await });
            }
        }
        while let Some(given_up) = works.join_next().await {
            given_up??;
        }
        database.settle().await?;
        let newest = LetterFilter {
            latest_first: true,
            status,
            ..LetterFilter::default()
        };
        let start = Instant::now();
        for _ in 0..turns {
            if list(&*store, &newest).await?.len() != PAGE {
                return Err("a page is not full".into());
            }
        }
        Ok(start.elapsed().as_secs_f64() * 1e3 / turns as f64)
    })
}

/// Lists letters of commands and of each component, and merges them.
async fn list(store: &dyn Store, filter: &LetterFilter) -> Outcome<Vec<DeadLetter>> {
    let commands = store.letters(filter, PAGE).await?.into_iter();
    let mut found: Vec<_> = commands
        .map(|letter| DeadLetter::Command(Box::new(letter)))
        .collect();
    for component in COMPONENTS {
        let of_it = LetterFilter {
            component: Some(Component::new(component)?),
            ..filter.clone()
        };
        let letters = store.reaction_letters(&of_it, PAGE).await?.into_iter();
        found.extend(letters.map(|letter| DeadLetter::Reaction(Box::new(letter))));
    }
    filter.sort(&mut found, DeadLetter::id, PAGE);
    Ok(found)
}

fn of_command() -> Append {
    let stream = stream();
    let request = CommandRequest::new(stream.clone(), Payload::json("Ship", r#"{"item":"mug"}"#));
    let letter = CommandLetter {
        id: Uuid::now_v7(),
        request,
        conflict: Conflict {
            expected: ExpectedSequence::Exactly(Sequence(3)),
            current: Some(Sequence(5)),
        },
        intervening: None,
        base_hash: None,
        reason: ParkReason::Manual,
        parked_at: Timestamp::now(),
        attempts: Vec::new(),
        status: LetterStatus::Parked,
    };
    Append {
        stream,
        write: Write::Letter(Box::new(letter)),
        claim: None,
        beside: Vec::new(),
    }
}

/// Writes letters as the owner of a piece of work: it parks every other event, and its policy skips the rest.
async fn give_up(
    store: &dyn Store,
    component: &str,
    share: Share,
    letters: usize,
) -> Result<(), String> {
    let work = Work {
        component: Component::new(component).map_err(|error| error.to_string())?,
        partition: LogPartition::FIRST,
        share,
    };
    let lease = std::time::Duration::from_secs(300);
    let taken = store.take(&work, &Owner::new("bench"), lease).await;
    let Taking::Taken(mut tenure) = taken.map_err(|error| error.to_string())? else {
        return Err("somebody else has the work".into());
    };
    for position in (1..).map(Position).take(letters) {
        let now = Timestamp::now();
        let letter = ReactionLetter {
            id: Some(Uuid::now_v7()),
            work: work.clone(),
            stream: stream(),
            sequence: Sequence(0),
            failure: "the printer is on fire".into(),
            tries: 1,
            parked_at: now,
            attempts: Vec::new(),
            decision: None,
            status: LetterStatus::Parked,
            closed_at: None,
        };
        let past = Bookmark::at(position);
        let update = if position.0.is_multiple_of(2) {
            Update::Park(Box::new(letter), past)
        } else {
            let closed = ReactionLetter {
                status: LetterStatus::Discarded,
                closed_at: Some(now),
                ..letter
            };
            Update::Skip(Box::new(closed), Advance::Checkpoint(past))
        };
        let held = store.write(&tenure, &update, lease).await;
        if held.map_err(|error| error.to_string())? != Hold::Held {
            return Err("the work was lost".into());
        }
        tenure.at = past;
    }
    Ok(())
}

fn stream() -> StreamId {
    StreamId::new(Domain::new("order").expect("a name"), Uuid::now_v7())
}
