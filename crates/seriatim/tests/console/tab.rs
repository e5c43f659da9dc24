//! What the streams of these tests are about: tabs in a bar, on which drinks are noted.

use std::error::Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

/// A note that begins with this takes its time, so that one can look while many are written.
pub(crate) const SLOW: &str = "slowly:";

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    Opened { owner: String },
    Noted { note: String },
    Paid { cents: u32 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum Do {
    Open { owner: String },
    Note { note: String },
    Pay { cents: u32 },
}

#[derive(Rejection, Serialize, Deserialize, Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum No {
    #[error("nobody pays nothing")]
    Nothing,
    #[error("a note says something")]
    Empty,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tab {
    owner: String,
    note: String,
    paid: u32,
}

impl Aggregate for Tab {
    const DOMAIN: &'static str = "tab";
    type Command = Do;
    type Event = Happened;
    type Rejection = No;

    fn decide(&self, command: &Do) -> Result<Vec<Happened>, No> {
        if matches!(command, Do::Note { note } if note.starts_with(SLOW)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(vec![match command.clone() {
            Do::Open { owner } => Happened::Opened { owner },
            Do::Note { note } if note.is_empty() => return Err(No::Empty),
            Do::Note { note } => Happened::Noted { note },
            Do::Pay { cents: 0 } => return Err(No::Nothing),
            Do::Pay { cents } => Happened::Paid { cents },
        }])
    }

    fn evolve(&mut self, event: &Happened) {
        match event.clone() {
            Happened::Opened { owner } => self.owner = owner,
            Happened::Noted { note } => self.note = note,
            Happened::Paid { cents } => self.paid += cents,
        }
    }
}

/// Another domain, of which some visitors may know nothing.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Secret(u32);

impl Aggregate for Secret {
    const DOMAIN: &'static str = "secret";
    type Command = Do;
    type Event = Happened;
    type Rejection = Never;

    fn decide(&self, _: &Do) -> Result<Vec<Happened>, Never> {
        Ok(vec![Happened::Paid { cents: 1 }])
    }

    fn evolve(&mut self, _: &Happened) {
        self.0 += 1;
    }
}

/// A component that fails on every payment of 13 cents.
#[derive(Clone)]
pub(crate) struct Till;

impl Projector for Till {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            if let Some(Ok(Happened::Paid { cents: 13 })) = event.of::<Tab>() {
                return Err("the till takes no 13 cents".into());
            }
        }
        Ok(())
    }
}
