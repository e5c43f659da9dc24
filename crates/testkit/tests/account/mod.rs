//! An account, as an application would write it.

// Each test file uses its own part of it.
#![allow(dead_code, unreachable_pub)]

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use seriatim_core::{Aggregate, Fact, Merge, RejectedEffect};
use seriatim_derive::{Command, Event, Rejection};
use seriatim_testkit::proptest;

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub owner: Option<String>,
    pub cents: u64,
}

#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
pub enum AccountCommand {
    Open { owner: String },
    Deposit { cents: u64 },
    Withdraw { cents: u64 },
    Rename { owner: String },
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
pub enum AccountEvent {
    Opened { owner: String },
    Deposited { cents: u64 },
    Withdrawn { cents: u64 },
    Renamed { owner: String },
}

#[derive(Rejection, Debug, thiserror::Error)]
#[seriatim(crate = "seriatim_core")]
pub enum AccountRejection {
    #[error("the account is open already")]
    AlreadyOpen,
    #[error("the account is not open")]
    NotOpen,
    #[error("the account has only {balance} cents")]
    InsufficientFunds { balance: u64 },
}

impl Aggregate for Account {
    const DOMAIN: &'static str = "account";
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Rejection = AccountRejection;

    fn decide(&self, command: &AccountCommand) -> Result<Vec<AccountEvent>, AccountRejection> {
        use {AccountCommand as C, AccountEvent as E, AccountRejection as R};
        Ok(vec![match command.clone() {
            C::Open { .. } if self.owner.is_some() => return Err(R::AlreadyOpen),
            C::Open { owner } => E::Opened { owner },
            _ if self.owner.is_none() => return Err(R::NotOpen),
            C::Deposit { cents: 0 } => return Ok(Vec::new()),
            C::Deposit { cents } => E::Deposited { cents },
            C::Withdraw { cents } if cents > self.cents => {
                return Err(R::InsufficientFunds {
                    balance: self.cents,
                });
            }
            C::Withdraw { cents } => E::Withdrawn { cents },
            C::Rename { owner } => E::Renamed { owner },
        }])
    }

    fn evolve(&mut self, event: &AccountEvent) {
        match event.clone() {
            AccountEvent::Opened { owner } | AccountEvent::Renamed { owner } => {
                self.owner = Some(owner);
            }
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents } => self.cents = self.cents.saturating_sub(cents),
        }
    }

    fn on_fact(&self, fact: &Fact<AccountEvent>) -> Vec<AccountEvent> {
        match self.owner {
            // Money arrives whether or not the account is open.
            None => vec![opened("unknown"), fact.event.clone()],
            Some(_) => vec![fact.event.clone()],
        }
    }

    /// Money that nobody takes comes back.
    fn on_rejected(&self, effect: &RejectedEffect) -> Vec<AccountEvent> {
        let commands = effect.of::<Self>().and_then(Result::ok).unwrap_or_default();
        let back = |command| match command {
            AccountCommand::Deposit { cents } => Some(deposited(cents)),
            _ => None,
        };
        commands.into_iter().filter_map(back).collect()
    }

    fn merge(&self, command: &AccountCommand, _: &Self, _: &[AccountEvent]) -> Merge<Self> {
        match command {
            // As much as is left.
            AccountCommand::Withdraw { cents } => {
                Merge::Proceed(vec![withdrawn(self.cents.min(*cents))])
            }
            AccountCommand::Open { .. } => Merge::Reject(AccountRejection::AlreadyOpen),
            AccountCommand::Rename { .. } => Merge::Manual("two names".into()),
            AccountCommand::Deposit { .. } => Merge::Conflict,
        }
    }
}

pub fn opened(owner: &str) -> AccountEvent {
    AccountEvent::Opened {
        owner: owner.into(),
    }
}

pub fn deposited(cents: u64) -> AccountEvent {
    AccountEvent::Deposited { cents }
}

pub fn withdrawn(cents: u64) -> AccountEvent {
    AccountEvent::Withdrawn { cents }
}

pub fn withdraw(cents: u64) -> AccountCommand {
    AccountCommand::Withdraw { cents }
}

pub fn any_command() -> impl Strategy<Value = AccountCommand> {
    let name = || prop::sample::select(vec!["Ann", "Bob"]).prop_map(str::to_owned);
    prop_oneof![
        name().prop_map(|owner| AccountCommand::Open { owner }),
        (1u64..9).prop_map(|cents| AccountCommand::Deposit { cents }),
        (1u64..9).prop_map(withdraw),
        name().prop_map(|owner| AccountCommand::Rename { owner }),
    ]
}

/// Returns the message that `call` panics with.
pub fn panic_of<T>(call: impl FnOnce() -> T) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(call())));
    let panic = panic.expect_err("it must not pass");
    *panic.downcast::<String>().expect("a text")
}
