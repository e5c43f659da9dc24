//! Tells other processes what this one has committed: after the commit, in one message for several commits, and no
//! commit waits for it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{LogPartition, Position};
use sqlx::{AssertSqlSafe, Error, PgConnection};
use tokio::sync::watch;

use crate::append::commits::Own;
use crate::opening::connection;
use crate::opening::driver_error::{self, Meaning};
use crate::opening::location::Location;

/// The least time between two messages. Commits in between go into the next message. So any number of commits costs at
/// most 200 messages a second, each about as much work as a small query.
const PAUSE: Duration = Duration::from_millis(5);

/// The pause after a message that was lost. The other processes also look for themselves from time to time.
const PAUSE_AFTER_LOSS: Duration = Duration::from_secs(1);

/// Runs until the writers have ended, on a connection of its own that is opened with the first commit.
pub(crate) async fn run(mut own: watch::Receiver<Own>, location: Arc<Location>) {
    let mut told = own.borrow().clone();
    let mut connection = None;
    while own.changed().await.is_ok() {
        let now = own.borrow_and_update().clone();
        let message = message(&told, &now);
        told = now;
        let sent = send(&mut connection, &location, &message);
        let sent = tokio::time::timeout(location.answer_timeout(), sent).await;
        let sent = sent.unwrap_or_else(|_| Err(connection::timed_out()));
        let pause = match sent {
            Ok(()) => PAUSE,
            Err(error) if driver_error::meaning(&error) == Meaning::Lost => PAUSE_AFTER_LOSS,
            Err(error) => {
                tracing::info!(
                    error = error.to_string(),
                    "other processes are not told of commits, they find them by looking"
                );
                return;
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn send(
    connection: &mut Option<PgConnection>,
    location: &Location,
    message: &str,
) -> Result<(), Error> {
    let mut open = match connection.take() {
        Some(connection) => connection,
        None => connection::connect(&location.connect).await?,
    };
    // A message is a transaction of its own with nothing to lose, so it need not wait for the disk.
    let sql = format!(
        "SELECT set_config('synchronous_commit', 'off', true), pg_notify('{}', '{message}')",
        channel(location)
    );
    let query = sqlx::raw_sql(AssertSqlSafe(sql));
    query.execute(&mut open).await?;
    *connection = Some(open);
    Ok(())
}

/// The channel for messages about a log. No two logs of a database have the same one.
pub(crate) fn channel(location: &Location) -> &str {
    &location.schema
}

/// `0:17 3:4`: partition 0 has reached position 17, and partition 3 position 4.
fn message(told: &[Position], now: &[Position]) -> String {
    let mut message = String::new();
    for (partition, (told, now)) in told.iter().zip(now).enumerate() {
        if told != now {
            let space = if message.is_empty() { "" } else { " " };
            let _ = write!(message, "{space}{partition}:{now}");
        }
    }
    message
}

/// Reads a message. Anybody can send one, so text that is not a message is ignored.
pub(crate) fn read(message: &str) -> impl Iterator<Item = (LogPartition, Position)> {
    message.split(' ').filter_map(|news| {
        let (partition, position) = news.split_once(':')?;
        let partition = LogPartition(partition.parse().ok()?);
        Some((partition, Position(position.parse().ok()?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_moved_is_told_and_it_reads_back() {
        let (told, now) = ([1, 2, 3].map(Position), [1, 7, 9].map(Position));
        let message = message(&told, &now);
        assert_eq!(message, "1:7 2:9");
        let expected = [(1, 7), (2, 9)].map(|(p, n)| (LogPartition(p), Position(n)));
        assert_eq!(read(&message).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_no_message_says_nothing() {
        for text in [
            "", " ", "hello", "0:", ":1", "-1:3", "0:-3", "70000:1", "1:2:3",
        ] {
            assert_eq!(read(text).count(), 0, "{text:?}");
        }
        let known: Vec<_> = read("x 0:4").collect();
        assert_eq!(known, [(LogPartition(0), Position(4))]);
    }
}
