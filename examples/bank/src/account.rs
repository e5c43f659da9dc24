//! A bank account: the whole domain.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum AccountEvent {
    Opened { owner: String },
    Deposited { cents: u32 },
    Withdrawn { cents: u32 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum AccountCommand {
    Open { owner: String },
    Deposit { cents: u32 },
    Withdraw { cents: u32 },
}

#[derive(Rejection, thiserror::Error, Debug)]
pub(crate) enum AccountRejection {
    #[error("the account is open already")]
    AlreadyOpen,
    #[error("the account is not open")]
    NotOpen,
    #[error("the account has only {balance} cents")]
    InsufficientFunds { balance: i64 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    owner: Option<String>,
    cents: i64,
}

impl Aggregate for Account {
    const DOMAIN: &'static str = "account";
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Rejection = AccountRejection;

    fn decide(&self, command: &AccountCommand) -> Result<Vec<AccountEvent>, AccountRejection> {
        use {AccountCommand::*, AccountEvent::*, AccountRejection::*};
        let balance = self.cents;
        Ok(vec![match command.clone() {
            Open { .. } if self.owner.is_some() => return Err(AlreadyOpen),
            Open { owner } => Opened { owner },
            _ if self.owner.is_none() => return Err(NotOpen),
            Deposit { cents } => Deposited { cents },
            Withdraw { cents } if i64::from(cents) > balance => {
                return Err(InsufficientFunds { balance });
            }
            Withdraw { cents } => Withdrawn { cents },
        }])
    }

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => self.owner = Some(owner.clone()),
            AccountEvent::Deposited { cents } => self.cents += i64::from(*cents),
            AccountEvent::Withdrawn { cents } => self.cents -= i64::from(*cents),
        }
    }
}
