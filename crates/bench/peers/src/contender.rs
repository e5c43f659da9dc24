//! Describes a contender as it is seen from outside: a library with its tables, open on a database.

use std::time::Instant;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Outcome;
use crate::database::Database;
use crate::streams::Streams;
use crate::workload::Workload;

/// The part that a contender has in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Seriatim.
    Product,
    /// Another library.
    Peer,
    /// Bare statements: what the server can do at all.
    Limit,
}

/// A contender before it is opened.
#[async_trait]
pub(crate) trait Library: Send + Sync {
    /// Short, as in the table.
    fn name(&self) -> &'static str;

    /// Its version, and what else a reader must know about how it is used here.
    fn about(&self) -> String;

    fn kind(&self) -> Kind;

    /// Returns whether it takes part.
    fn does(&self, workload: Workload) -> bool;

    /// Returns how many callers there are, if not as many as the workload has in flight.
    fn callers(&self, in_flight: usize) -> usize {
        in_flight
    }

    /// Returns whether it keeps states in memory, so that touching a stream makes a difference.
    fn remembers(&self) -> bool {
        false
    }

    /// Opens it as an application does, making its tables if there are none, for up to `in_flight` callers at once.
    async fn open(&self, database: &Database, in_flight: usize) -> Outcome<Box<dyn Contender>>;

    /// Writes streams into its tables, like those that its commands would have led to.
    async fn fill(&self, database: &Database, streams: Streams) -> Outcome<()>;
}

/// A contender that is open.
#[async_trait]
pub(crate) trait Contender: Send + Sync {
    /// One command on a stream, tried again until it is accepted; how many events that gave.
    async fn command(&self, caller: usize, root: Uuid) -> Outcome<u64>;

    /// The first command of a stream, from a sender who knows that it is new.
    async fn begin(&self, caller: usize, root: Uuid) -> Outcome<u64> {
        self.command(caller, root).await
    }

    /// Builds the state of a stream from its events; how many these were. It was filled with so many (0: with none).
    async fn load(&self, caller: usize, root: Uuid, filled: u32) -> Outcome<u64>;

    /// Reads and decodes the log from its beginning, to its end or until it is time; how many events these were.
    async fn read_log(&self, until: Instant) -> Outcome<u64>;

    /// Gives its connections back.
    async fn close(&self) -> Outcome<()>;
}

/// Returns how many connections a contender may have open, as generous as makes sense: one for each command in flight,
/// up to 64.
pub(crate) fn connections(in_flight: usize) -> usize {
    in_flight.min(64)
}

/// A version from this package's lock file.
pub(crate) fn locked_version(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let start = lock.find(&format!("name = \"{package}\"\nversion = \""));
    let version = start.and_then(|start| lock[start..].split('"').nth(3));
    version.unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        assert_eq!(locked_version("esrs"), "0.18.0");
        assert_eq!(locked_version("eventcore"), "2.1.0");
        assert_eq!(locked_version("event"), "unknown");
    }
}
