//! Waiting for events, whoever has written them.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Instant;

use seriatim_core::{LogPartition, Position};
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};
use tokio::sync::{Mutex, watch};

use crate::connection;
use crate::location::Location;
use crate::place;

/// How far each partition of the log has come, as far as this process knows.
#[derive(Clone)]
pub(crate) struct Commits {
    heads: Arc<[watch::Sender<Position>]>,
}

impl Commits {
    pub(crate) fn new(count: NonZero<u16>) -> Self {
        Self {
            heads: LogPartition::all(count)
                .map(|_| watch::Sender::default())
                .collect(),
        }
    }

    /// To be called after every commit.
    pub(crate) fn tell(&self, partition: LogPartition, position: Position) {
        if let Some(head) = self.heads.get(partition.index()) {
            head.send_if_modified(|head| {
                let is_news = *head < position;
                *head = position.max(*head);
                is_news
            });
        }
    }
}

/// What those who wait have in common.
pub(crate) struct Waiting {
    commits: Commits,
    location: Arc<Location>,
    look: Arc<str>,
    /// Whoever has this looks for all.
    turn: Mutex<Turn>,
}

#[derive(Default)]
struct Turn {
    next: Option<Instant>,
    connection: Option<PgConnection>,
}

impl Waiting {
    pub(crate) fn new(commits: Commits, location: Arc<Location>) -> Self {
        let schema = &location.schema;
        let look = format!("SELECT partition, position FROM {schema}.seriatim_log_head");
        Self {
            commits,
            look: look.into(),
            location,
            turn: Mutex::default(),
        }
    }

    /// Returns when a partition may have gone past `position`.
    pub(crate) async fn past(&self, partition: LogPartition, position: Position) {
        let mut head = self.commits.heads[partition.index()].subscribe();
        tokio::select! {
            moved = head.wait_for(|head| *head > position) => {
                moved.expect("the store keeps the sender");
            }
            never = self.look_for_all() => match never {},
        }
    }

    async fn look_for_all(&self) -> std::convert::Infallible {
        let mut turn = self.turn.lock().await;
        loop {
            if let Some(next) = turn.next {
                tokio::time::sleep_until(next.into()).await;
            }
            turn.next = Some(Instant::now() + self.location.poll);
            match self.look(&mut turn).await {
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "the heads of the log could not be read"),
            }
        }
    }

    async fn look(&self, turn: &mut Turn) -> Result<(), Error> {
        let mut connection = match turn.connection.take() {
            Some(connection) => connection,
            None => connection::connect(&self.location.connect).await?,
        };
        let rows = sqlx::raw_sql(AssertSqlSafe(self.look.clone()))
            .fetch_all(&mut connection)
            .await?;
        for row in rows {
            let partition: i16 = row.try_get(0)?;
            let partition = LogPartition(partition.cast_unsigned());
            self.commits.tell(partition, place::position(&row, 1)?);
        }
        turn.connection = Some(connection);
        Ok(())
    }
}
