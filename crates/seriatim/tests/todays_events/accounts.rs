//! One domain in two programs: as it was written yesterday, and as it is read today.

use serde::{Deserialize, Serialize};
use seriatim::core::Payload;
use seriatim::prelude::*;

pub(crate) mod yesterday {
    use super::*;

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub(crate) enum Happened {
        MoneyAdded { euros: u64 },
        Greeted { text: String },
    }

    #[derive(Command, Serialize, Deserialize, Clone, Debug)]
    pub(crate) enum Do {
        Add { euros: u64 },
        Greet { text: String },
    }

    #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Account {
        euros: u64,
    }

    impl Aggregate for Account {
        const DOMAIN: &'static str = "account";
        type Command = Do;
        type Event = Happened;
        type Rejection = Never;

        fn decide(&self, command: &Do) -> Result<Vec<Happened>, Never> {
            Ok(vec![match command.clone() {
                Do::Add { euros } => Happened::MoneyAdded { euros },
                Do::Greet { text } => Happened::Greeted { text },
            }])
        }

        fn evolve(&mut self, event: &Happened) {
            if let Happened::MoneyAdded { euros } = event {
                self.euros += euros;
            }
        }
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    #[seriatim(alias = "MoneyAdded")]
    Deposited { cents: u64 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum Do {
    #[seriatim(alias = "Add")]
    Deposit { cents: u64 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) cents: u64,
}

impl Aggregate for Account {
    const DOMAIN: &'static str = "account";
    type Command = Do;
    type Event = Happened;
    type Rejection = Never;

    fn decide(&self, Do::Deposit { cents }: &Do) -> Result<Vec<Happened>, Never> {
        Ok(vec![Happened::Deposited { cents: *cents }])
    }

    fn evolve(&mut self, Happened::Deposited { cents }: &Happened) {
        self.cents += cents;
    }

    /// On 13 euros it panics.
    fn upcast(stored: Payload) -> Payload {
        match &*stored.type_name {
            "MoneyAdded" => in_cents(stored),
            "Greeted" => Payload::nothing(),
            _ => stored,
        }
    }

    fn upcast_command(sent: Payload) -> Payload {
        match &*sent.type_name {
            "Add" => in_cents(sent),
            _ => sent,
        }
    }
}

fn in_cents(mut payload: Payload) -> Payload {
    let euros = payload
        .to_json()
        .and_then(|json| json.get("euros")?.as_u64());
    if let Some(euros) = euros {
        assert_ne!(euros, 13, "not for the superstitious");
        payload.data = format!(r#"{{"cents":{}}}"#, euros * 100).into();
    }
    payload
}
