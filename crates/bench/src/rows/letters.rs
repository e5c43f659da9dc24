//! LETTERS: how long it takes to list the newest of very many dead letters, half of commands and half of events.

use std::time::Instant;

use seriatim::core::{
    Advance, Append, Bookmark, CommandLetter, CommandRequest, Component, Conflict, Domain,
    ExpectedSequence, Hold, LetterFilter, LetterStatus, LogPartition, Owner, ParkReason, Payload,
    Position, ReactionLetter, Sequence, Share, Store, StreamId, Taking, Timestamp, Update, Work,
    Write,
};
use seriatim::prelude::Uuid;
use seriatim_bench::Outcome;
use seriatim_bench::measure::{Figures, in_turn};
use seriatim_bench::row::{Must, Row};
use tokio::task::JoinSet;

use crate::context::{Context, On};

/// How many letters there are, whether it is to be quick or not.
const LETTERS: usize = 100_000;
/// The pieces of work that write letters at the same time.
const WORKS: u16 = 50;
const PAGE: usize = 50;
/// The limit of the budget.
const LIMIT_MILLIS: f64 = 5.0;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [page] = in_turn(context.rounds, [&mut || milliseconds(context, on)])?;
    let limit = Figures(vec![LIMIT_MILLIS; page.0.len()]);
    let workload = format!("the newest {PAGE} of {LETTERS} dead letters");
    let row = Row::compared("LETTERS", workload, "ms", &page, "the limit set", &limit);
    Ok(vec![row.must(Must::AtMost(1.0))])
}

/// Returns how long a page takes.
fn milliseconds(context: &Context, on: On) -> Outcome<f64> {
    let turns = context.scaled(100);
    context.in_database(on, async |database| {
        let store = seriatim::open_store(&database.url).await?;
        let wave = LETTERS / 2 / usize::from(WORKS);
        for _ in 0..WORKS {
            let batch = (0..wave).map(|_| of_command()).collect();
            store.append(batch).await?;
        }
        let mut works = JoinSet::new();
        for share in Share::all(WORKS.try_into()?) {
            let store = std::sync::Arc::clone(&store);
            works.spawn(async move { skip(&*store, share, wave).await });
        }
        while let Some(skipped) = works.join_next().await {
            skipped??;
        }
        database.settle().await?;
        let newest = LetterFilter {
            latest_first: true,
            ..LetterFilter::default()
        };
        let start = Instant::now();
        for _ in 0..turns {
            let commands = store.letters(&newest, PAGE).await?;
            let events = store.reaction_letters(&newest, PAGE).await?;
            if (commands.len(), events.len()) != (PAGE, PAGE) {
                return Err("a page is not full".into());
            }
        }
        Ok(start.elapsed().as_secs_f64() * 1e3 / turns as f64)
    })
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

/// Writes closed letters, as the owner of a piece of work whose policy skips every event.
async fn skip(store: &dyn Store, share: Share, letters: usize) -> Result<(), String> {
    let work = Work {
        component: Component::new("printer").map_err(|error| error.to_string())?,
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
            status: LetterStatus::Discarded,
            closed_at: Some(now),
        };
        let past = Bookmark::at(position);
        let skip = Update::Skip(Box::new(letter), Advance::Checkpoint(past));
        let held = store.write(&tenure, &skip, lease).await;
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
