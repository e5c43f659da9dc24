//! Desks, whose work is pinned to boards by two sagas.

use serde::{Deserialize, Serialize};
use seriatim::core::{Effects, RecordedEvent, RejectedEffect, Saga};
use seriatim::prelude::*;

pub const DESKS: u128 = 12;
pub const BOARDS: u128 = 4;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub enum DeskEvent {
    Done {
        number: u32,
    },
    /// A board did not take what was pinned to it.
    Returned {
        tag: String,
    },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub enum DeskCommand {
    Do { times: u32 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Desk {
    done: u32,
}

impl Aggregate for Desk {
    const DOMAIN: &'static str = "desk";
    type Command = DeskCommand;
    type Event = DeskEvent;
    type Rejection = Never;

    fn decide(&self, DeskCommand::Do { times }: &DeskCommand) -> Result<Vec<DeskEvent>, Never> {
        let numbers = self.done..self.done + times;
        Ok(numbers.map(|number| DeskEvent::Done { number }).collect())
    }

    fn evolve(&mut self, event: &DeskEvent) {
        if let DeskEvent::Done { number } = event {
            self.done = number + 1;
        }
    }

    fn on_rejected(&self, effect: &RejectedEffect) -> Vec<DeskEvent> {
        let commands = effect
            .of::<Board>()
            .expect("it is for a board")
            .expect("it is a command");
        let tags = commands.into_iter().map(|BoardCommand::Pin { tag }| tag);
        tags.map(|tag| DeskEvent::Returned { tag }).collect()
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub enum BoardEvent {
    Pinned { tag: String },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub enum BoardCommand {
    Pin { tag: String },
}

#[derive(Rejection, thiserror::Error, Debug)]
pub enum BoardRejection {
    #[error("the board is full just now")]
    Full,
}

/// Takes everything as often as it comes, so that what comes twice is seen. Whether it rejects depends on what it
/// holds: what was rejected once would be accepted later, and must not be.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Board {
    pinned: u32,
}

impl Aggregate for Board {
    const DOMAIN: &'static str = "board";
    type Command = BoardCommand;
    type Event = BoardEvent;
    type Rejection = BoardRejection;

    fn decide(
        &self,
        BoardCommand::Pin { tag }: &BoardCommand,
    ) -> Result<Vec<BoardEvent>, BoardRejection> {
        match self.pinned % 7 == 3 && tag.ends_with("/1") {
            true => Err(BoardRejection::Full),
            false => Ok(vec![BoardEvent::Pinned { tag: tag.clone() }]),
        }
    }

    fn evolve(&mut self, _: &BoardEvent) {
        self.pinned += 1;
    }
}

/// Two commands for one board, and one for another.
pub struct Pins;

impl Saga for Pins {
    const NAME: &'static str = "pins";
    type Source = Desk;

    fn react(&self, event: &DeskEvent, recorded: &RecordedEvent, effects: &mut Effects) {
        pin(Self::NAME, event, recorded, &[0, 0, 1], effects);
    }
}

/// One command, for the same board.
pub struct Copies;

impl Saga for Copies {
    const NAME: &'static str = "copies";
    type Source = Desk;

    fn react(&self, event: &DeskEvent, recorded: &RecordedEvent, effects: &mut Effects) {
        pin(Self::NAME, event, recorded, &[0], effects);
    }
}

fn pin(
    name: &str,
    event: &DeskEvent,
    recorded: &RecordedEvent,
    boards: &[u128],
    effects: &mut Effects,
) {
    let DeskEvent::Done { number } = event else {
        return;
    };
    let desk = recorded.stream.root.as_u128();
    for (ordinal, board) in boards.iter().enumerate() {
        let board = Uuid::from_u128((desk + board) % BOARDS);
        let tag = format!("{name}/{desk}/{number}/{ordinal}");
        effects.send::<Board>(board, &BoardCommand::Pin { tag });
    }
}

/// Returns what all sagas ask for because of so many events of one desk: the tags, in the order in which each saga
/// asks.
pub fn tags(desk: u128, done: u32) -> Vec<String> {
    let of = |name: &'static str, ordinals: u32| {
        (0..done).flat_map(move |number| {
            (0..ordinals).map(move |ordinal| format!("{name}/{desk}/{number}/{ordinal}"))
        })
    };
    of(Pins::NAME, 3).chain(of(Copies::NAME, 1)).collect()
}
