//! The domain that the tests talk to.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum AccountEvent {
    Opened { owner: String },
    Renamed { owner: String },
    Deposited { cents: u64 },
    Withdrawn { cents: u64 },
    Closed,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum AccountCommand {
    Open { owner: String },
    Rename { owner: String },
    Deposit { cents: u64 },
    Withdraw { cents: u64 },
    Close,
}

#[derive(Rejection, Debug)]
pub(crate) enum AccountRejection {
    InsufficientFunds { balance: u64 },
}

impl std::fmt::Display for AccountRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::InsufficientFunds { balance } = self;
        write!(f, "the account has only {balance} cents")
    }
}

impl std::error::Error for AccountRejection {}

#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    owner: String,
    cents: u64,
    closed: bool,
}

impl Aggregate for Account {
    const DOMAIN: &'static str = "account";
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Rejection = AccountRejection;

    fn decide(&self, command: &AccountCommand) -> Result<Vec<AccountEvent>, AccountRejection> {
        Ok(match command {
            AccountCommand::Open { owner } => vec![AccountEvent::Opened {
                owner: owner.clone(),
            }],
            AccountCommand::Rename { owner } => vec![AccountEvent::Renamed {
                owner: owner.clone(),
            }],
            AccountCommand::Deposit { cents } => vec![AccountEvent::Deposited { cents: *cents }],
            AccountCommand::Withdraw { cents } if *cents > self.cents => {
                return Err(AccountRejection::InsufficientFunds {
                    balance: self.cents,
                });
            }
            AccountCommand::Withdraw { cents } => vec![AccountEvent::Withdrawn { cents: *cents }],
            AccountCommand::Close if self.closed => vec![],
            AccountCommand::Close => vec![AccountEvent::Closed],
        })
    }

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } | AccountEvent::Renamed { owner } => {
                self.owner.clone_from(owner);
            }
            AccountEvent::Deposited { cents } => self.cents = self.cents.saturating_add(*cents),
            AccountEvent::Withdrawn { cents } => self.cents = self.cents.saturating_sub(*cents),
            AccountEvent::Closed => self.closed = true,
        }
    }
}
