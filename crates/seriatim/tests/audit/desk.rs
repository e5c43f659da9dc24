//! Desks whose work is pinned to boards, by a saga and by a process manager.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, Domain, EventFilter};
use seriatim::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum DeskEvent {
    Done { tag: String },
    Returned,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum DeskCommand {
    Do { tag: String },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Desk {
    returned: u32,
}

impl Aggregate for Desk {
    const DOMAIN: &'static str = "desk";
    type Command = DeskCommand;
    type Event = DeskEvent;
    type Rejection = Never;

    fn decide(&self, DeskCommand::Do { tag }: &DeskCommand) -> Result<Vec<DeskEvent>, Never> {
        Ok(vec![DeskEvent::Done { tag: tag.clone() }])
    }

    fn evolve(&mut self, event: &DeskEvent) {
        self.returned += u32::from(matches!(event, DeskEvent::Returned));
    }

    fn on_rejected(&self, _: &RejectedEffect) -> Vec<DeskEvent> {
        vec![DeskEvent::Returned]
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum BoardEvent {
    Pinned { tag: String },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum BoardCommand {
    Pin { tag: String },
}

#[derive(Rejection, thiserror::Error, Debug)]
pub(crate) enum BoardRejection {
    #[error("nobody may shout")]
    Loud,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Board;

impl Aggregate for Board {
    const DOMAIN: &'static str = "board";
    type Command = BoardCommand;
    type Event = BoardEvent;
    type Rejection = BoardRejection;

    fn decide(
        &self,
        BoardCommand::Pin { tag }: &BoardCommand,
    ) -> Result<Vec<BoardEvent>, BoardRejection> {
        match tag.ends_with('!') {
            true => Err(BoardRejection::Loud),
            false => Ok(vec![BoardEvent::Pinned { tag: tag.clone() }]),
        }
    }

    fn evolve(&mut self, _: &BoardEvent) {}
}

/// Pins what is done to the board of the desk, with so many copies; the last time it shouts, which is rejected.
pub(crate) struct Pins {
    pub(crate) copies: u32,
}

impl Saga for Pins {
    const NAME: &'static str = "pins";
    type Source = Desk;

    fn react(&self, event: &DeskEvent, recorded: &RecordedEvent, effects: &mut Effects) {
        let DeskEvent::Done { tag } = event else {
            return;
        };
        assert_ne!(tag, "poison", "it cannot be pinned");
        for copy in 0..self.copies {
            let tag = format!("{tag}/{copy}");
            effects.send::<Board>(recorded.stream.root, &BoardCommand::Pin { tag });
        }
        let tag = format!("{tag}!");
        effects.send::<Board>(recorded.stream.root, &BoardCommand::Pin { tag });
    }
}

/// Pins a note to the board when a desk has done something, and will look again in an hour.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Done,
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
        let is_done = matches!(event?, DeskEvent::Done { .. });
        Ok(is_done.then_some((recorded.stream.root, Seen::Done)))
    }

    fn decide(&self, trigger: &Trigger<Seen>, plan: &mut Plan) {
        if let Trigger::Input(Seen::Done) = trigger {
            // Of one desk there is one watch, and of that one board.
            let board = Uuid::from_u128(7);
            plan.send::<Board>(board, &BoardCommand::Pin { tag: "seen".into() });
            plan.set_timer("look", Duration::from_secs(3600));
            plan.cancel_timer("sleep");
        }
    }

    fn evolve(&mut self, _: &Trigger<Seen>) {}
}
