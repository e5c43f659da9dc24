//! A room in which everybody may say something.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;
use seriatim::{Room, Sent};

#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hall {
    said: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum HallEvent {
    Said { by: String, text: String },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum HallCommand {
    Say { by: String, text: String },
}

impl Aggregate for Hall {
    const DOMAIN: &'static str = "hall";
    type Command = HallCommand;
    type Event = HallEvent;
    type Rejection = Never;

    fn decide(&self, HallCommand::Say { by, text }: &HallCommand) -> Result<Vec<HallEvent>, Never> {
        let (by, text) = (by.clone(), text.clone());
        Ok(vec![HallEvent::Said { by, text }])
    }

    fn evolve(&mut self, _: &HallEvent) {
        self.said += 1;
    }
}

/// What a client sends.
#[derive(Deserialize)]
pub(crate) struct Say {
    text: String,
}

impl Room for Hall {
    type Request = Say;
    type View = u64;

    fn may_read(&self, _: Uuid, _: &str) -> bool {
        true
    }

    fn view(&self, _: Uuid, _: &str) -> u64 {
        self.said
    }

    fn command(_: Uuid, sent: Sent<'_, Say>) -> Result<HallCommand, String> {
        Ok(HallCommand::Say {
            by: sent.user.to_owned(),
            text: sent.request.text,
        })
    }
}
