//! The aggregate whose events are projected.

use serde::{Deserialize, Serialize};
use seriatim::WaitError;
use seriatim::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    Deposited { cents: i64 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum Do {
    Deposit { cents: i64 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) cents: i64,
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
}

/// The root of an account.
pub(crate) fn root(number: usize) -> Uuid {
    Uuid::from_u128(number as u128)
}

/// Deposits 1 cent, then 2, and so on, into accounts in turn.
pub(crate) async fn deposit(app: &App, accounts: usize, deposits: std::ops::Range<usize>) {
    for number in deposits {
        let cents = number as i64 + 1;
        let sent = app
            .of::<Account>(root(number % accounts))
            .send(Do::Deposit { cents });
        sent.await.unwrap();
    }
}

/// Deposits a cent, and waits until a component has handled that.
pub(crate) async fn deposit_and_wait(app: &App, component: &str) -> Result<Receipt, WaitError> {
    let sent = app.of::<Account>(root(0)).send(Do::Deposit { cents: 1 });
    sent.wait_for(component).await
}
