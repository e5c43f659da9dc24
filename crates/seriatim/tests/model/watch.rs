//! A process manager that looks at some of the work of a desk a little later, and pins that it has.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, Domain, EventFilter, RecordedEvent};
use seriatim::prelude::*;

use crate::domain::{BOARDS, Board, BoardCommand, Desk, DeskEvent};

/// A process manager that remembers nothing of any desk: what there is to do is in the names of its timers.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub enum Seen {
    Done { desk: u128, number: u32 },
}

/// Returns whether it looks at this one of a desk's works.
fn is_watched(number: u32) -> bool {
    number.is_multiple_of(3)
}

impl ProcessManager for Watch {
    const NAME: &'static str = "watch";
    type Input = Seen;

    fn filter() -> EventFilter {
        EventFilter {
            domains: vec![Domain::of::<Desk>()],
            ..EventFilter::default()
        }
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Seen)>, DecodeError> {
        let Some(event) = recorded.of::<Desk>() else {
            return Ok(None);
        };
        let root = recorded.stream.root;
        let desk = root.as_u128();
        Ok(match event? {
            DeskEvent::Done { number } if is_watched(number) => {
                Some((root, Seen::Done { desk, number }))
            }
            DeskEvent::Done { .. } | DeskEvent::Returned { .. } => None,
        })
    }

    /// Each timer sends one command, which may be rejected.
    fn decide(&self, trigger: &Trigger<Seen>, plan: &mut Plan) {
        match trigger {
            Trigger::Input(Seen::Done { desk, number }) => {
                plan.set_timer(&tag(*desk, *number), Duration::from_millis(20));
            }
            Trigger::Timer(name) => {
                let desk = name
                    .split('/')
                    .nth(1)
                    .and_then(|desk| desk.parse::<u128>().ok());
                let board = Uuid::from_u128(desk.expect("it was made of one") % BOARDS);
                plan.send::<Board>(board, &BoardCommand::Pin { tag: name.clone() });
            }
            Trigger::Rejected(_) => {}
        }
    }

    fn evolve(&mut self, _: &Trigger<Seen>) {}
}

fn tag(desk: u128, number: u32) -> String {
    format!("{}/{desk}/{number}/1", Watch::NAME)
}

/// Returns the tags that it asks for because of so many events of one desk.
pub fn tags(desk: u128, done: u32) -> impl Iterator<Item = String> {
    let watched = (0..done).filter(|number| is_watched(*number));
    watched.map(move |number| tag(desk, number))
}
