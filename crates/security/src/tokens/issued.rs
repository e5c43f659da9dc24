//! A token as an aggregate: one stream for each, whose root is the token's id.

use serde::{Deserialize, Serialize};
use seriatim_core::{Aggregate, MergeStrategy, SnapshotPolicy, Timestamp};
use seriatim_derive::{Command, Event, Rejection};

/// The microseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The life of one API token, in the log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IssuedToken {
    exists: bool,
    revoked: bool,
    used: Option<Timestamp>,
}

/// What happened to a token. Who did it is the actor of the event, and when is the time at which it was recorded.
#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
pub enum TokenEvent {
    /// It was made.
    Created {
        /// The SHA-256 of its secret part.
        digest: String,
        /// The name of the principal.
        name: String,
        /// The roles that it brings.
        roles: Vec<String>,
        /// The time after which it is not valid any more.
        expires: Option<Timestamp>,
    },
    /// It was revoked, for ever.
    Revoked,
    /// It was used, for the first time on that day (UTC).
    Used {
        /// The time of the use.
        at: Timestamp,
    },
}

/// What can be done to a token.
#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
pub enum TokenCommand {
    /// Make it.
    Create {
        /// The SHA-256 of its secret part.
        digest: String,
        /// The name of the principal.
        name: String,
        /// The roles that it brings.
        roles: Vec<String>,
        /// The time after which it is not valid any more.
        expires: Option<Timestamp>,
    },
    /// Revoke it. If it is revoked already, nothing happens.
    Revoke,
    /// Record that it was used. If that is known for the day, nothing happens.
    Use {
        /// The time of the use.
        at: Timestamp,
    },
}

/// Why something cannot be done to a token.
#[derive(Rejection, Debug, thiserror::Error)]
#[seriatim(crate = "seriatim_core")]
pub enum TokenRejection {
    /// There is no such token.
    #[error("there is no token with this id; list the tokens to see the ids")]
    UnknownToken,
    /// There is one already.
    #[error("there is a token with this id already; make another")]
    TokenExists,
}

impl Aggregate for IssuedToken {
    const DOMAIN: &'static str = "seriatim.tokens";
    const SNAPSHOTS: SnapshotPolicy = SnapshotPolicy::Never;
    type Command = TokenCommand;
    type Event = TokenEvent;
    type Rejection = TokenRejection;

    fn decide(&self, command: &TokenCommand) -> Result<Vec<TokenEvent>, TokenRejection> {
        Ok(match command.clone() {
            TokenCommand::Create { .. } if self.exists => {
                return Err(TokenRejection::TokenExists);
            }
            TokenCommand::Create {
                digest,
                name,
                roles,
                expires,
            } => vec![TokenEvent::Created {
                digest,
                name,
                roles,
                expires,
            }],
            _ if !self.exists => return Err(TokenRejection::UnknownToken),
            TokenCommand::Revoke if self.revoked => Vec::new(),
            TokenCommand::Revoke => vec![TokenEvent::Revoked],
            TokenCommand::Use { at } if self.used.is_some_and(|used| day(used) >= day(at)) => {
                Vec::new()
            }
            TokenCommand::Use { at } => vec![TokenEvent::Used { at }],
        })
    }

    fn evolve(&mut self, event: &TokenEvent) {
        match event {
            TokenEvent::Created { .. } => self.exists = true,
            TokenEvent::Revoked => self.revoked = true,
            TokenEvent::Used { at } => self.used = Some(*at),
        }
    }

    fn merge_strategy(_: &TokenCommand) -> MergeStrategy {
        MergeStrategy::Strict
    }
}

/// Returns the day of a time, in UTC, as a number.
pub(super) fn day(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(DAY)
}
