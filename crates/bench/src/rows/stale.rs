//! STALE: what a command costs whose sender has not seen the latest events, against one whose sender has.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;
use seriatim_bench::Outcome;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::{Must, Row};

use crate::context::{Context, On};

/// A book of notes: a state as large as one likes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Book {
    notes: BTreeMap<u32, String>,
    title: String,
    readers: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Command)]
enum Write {
    Note { number: u32, text: String },
    Title { title: String },
    Read,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
enum Written {
    Noted { number: u32, text: String },
    Titled { title: String },
    Read,
}

impl Aggregate for Book {
    const DOMAIN: &'static str = "book";
    type Command = Write;
    type Event = Written;
    type Rejection = Never;

    fn decide(&self, command: &Write) -> Result<Vec<Written>, Never> {
        Ok(vec![match command.clone() {
            Write::Note { number, text } => Written::Noted { number, text },
            Write::Title { title } => Written::Titled { title },
            Write::Read => Written::Read,
        }])
    }

    fn evolve(&mut self, event: &Written) {
        match event.clone() {
            Written::Noted { number, text } => drop(self.notes.insert(number, text)),
            Written::Titled { title } => self.title = title,
            Written::Read => self.readers += 1,
        }
    }
}

/// Bytes of one note.
const NOTE: usize = 500;

/// A kind of command that is sent to a stream that has moved on.
#[derive(Clone, Copy)]
enum Kind {
    Merged,
    Refused,
    WithPremise,
}

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for kilobytes in [1, 100, 1000] {
        for behind in [16, 256] {
            for (kind, words) in [
                (Kind::Merged, "merged"),
                (Kind::Refused, "refused"),
                (Kind::WithPremise, "merged with a premise"),
            ] {
                let [plain, stale] = in_turn(
                    context.rounds,
                    [
                        &mut || milliseconds(context, on, kilobytes, behind, None),
                        &mut || milliseconds(context, on, kilobytes, behind, Some(kind)),
                    ],
                )?;
                let workload =
                    format!("{words}, {behind} events behind, a state of {kilobytes} kB");
                let row = Row::compared(
                    "STALE",
                    workload,
                    "ms",
                    &stale,
                    "a command whose sender has seen all",
                    &plain,
                );
                rows.push(row.must(Must::AtMost(50.0)));
            }
        }
    }
    Ok(rows)
}

/// Returns how long a command takes. `kind` is `None` if its sender has seen all.
fn milliseconds(
    context: &Context,
    on: On,
    kilobytes: usize,
    behind: u32,
    kind: Option<Kind>,
) -> Outcome<f64> {
    let turns = context.scaled(50).max(5);
    context.in_database(on, async |database| {
        let app = App::open(&database.url)
            .await?
            .aggregate::<Book>()
            .start()
            .await?;
        let root = Uuid::now_v7();
        let notes = u32::try_from(kilobytes * 1000 / NOTE)?;
        for number in 0..notes {
            let text = "x".repeat(NOTE);
            app.of::<Book>(root)
                .send(Write::Note { number, text })
                .await?;
        }
        for number in 0..behind {
            let title = format!("title {number}");
            app.of::<Book>(root).send(Write::Title { title }).await?;
        }
        let mut current = notes + behind - 1;
        let start = Instant::now();
        for turn in 0..turns {
            let expected = match kind {
                None => current,
                Some(_) => current - behind,
            };
            let title = format!("mine {turn}");
            let command = match kind {
                Some(Kind::Refused) => Write::Title { title },
                None | Some(Kind::Merged | Kind::WithPremise) => Write::Read,
            };
            let sent = app.of::<Book>(root).send(command).expecting(expected);
            let sent = match kind {
                Some(Kind::WithPremise) => sent.premise("notes.0"),
                None | Some(Kind::Merged | Kind::Refused) => sent,
            };
            match (sent.await, kind) {
                (Err(SubmitError::Conflict(_)), Some(Kind::Refused)) => {}
                (Ok(_), None | Some(Kind::Merged | Kind::WithPremise)) => current += 1,
                (answer, _) => return Err(format!("not what is measured: {answer:?}").into()),
            }
        }
        let each = start.elapsed().as_secs_f64() * 1e3 / turns as f64;
        app.coordinator().shutdown().await;
        Ok(each)
    })
}
