//! The task that watches, on one connection for all waiters, for events that other processes commit: it listens to
//! their messages, and checks the heads in case a message was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use seriatim_core::{LogPartition, StoreErrorKind};
use sqlx::postgres::{PgListener, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};

use crate::append::commits::Commits;
use crate::following::notifier;
use crate::following::waiting::Crowd;
use crate::opening::connection;
use crate::opening::driver_error::{self, Meaning};
use crate::opening::location::Location;
use crate::positions;

/// The time for which it goes on when nobody waits any more. A reader that follows the log waits again after each page.
const STAYS: Duration = Duration::from_secs(10);

/// The least time between two connections.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Watcher {
    commits: Commits,
    location: Arc<Location>,
    crowd: Arc<Crowd>,
    look: String,
    line: Option<Line>,
    /// `true` if there can be messages. Behind a pooler that assigns connections for each transaction there are none.
    may_listen: bool,
}

/// The connection it watches on.
enum Line {
    Listening(PgListener),
    Looking(PgConnection),
}

impl Watcher {
    pub(crate) fn new(commits: &Commits, location: &Arc<Location>, crowd: &Arc<Crowd>) -> Self {
        let schema = &location.schema;
        Self {
            commits: commits.clone(),
            location: location.clone(),
            crowd: crowd.clone(),
            look: format!("SELECT partition, position FROM {schema}.seriatim_log_head"),
            line: None,
            may_listen: !location.pooled,
        }
    }

    pub(crate) async fn run(mut self) {
        let mut last_wanted = Instant::now();
        loop {
            if self.crowd.is_waiting() {
                last_wanted = Instant::now();
            } else if last_wanted.elapsed() >= STAYS && self.crowd.lets_the_watcher_go() {
                return;
            }
            let next = Instant::now() + self.location.poll;
            if let Err(error) = self.look().await {
                tracing::debug!(
                    error = error.to_string(),
                    "the heads of the log could not be read; looking again soon"
                );
                self.line = None;
            }
            let lost = tokio::time::timeout_at(next.into(), self.listen()).await;
            if lost.is_ok() {
                tracing::info!("the connection that listens was lost");
                self.line = None;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Reads all heads. A new connection first listens and then reads, so that nothing is missed.
    async fn look(&mut self) -> Result<(), Error> {
        let patience = self.location.answer_timeout();
        let looking = tokio::time::timeout(patience, self.heads());
        let rows = looking
            .await
            .unwrap_or_else(|_| Err(connection::timed_out()))?;
        for row in rows {
            let partition: i16 = row.try_get(0)?;
            let partition = LogPartition(partition.cast_unsigned());
            self.commits.learn(partition, positions::position(&row, 1)?);
        }
        Ok(())
    }

    async fn heads(&mut self) -> Result<Vec<PgRow>, Error> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => {
                let line = self.connect().await?;
                // Before the heads are read, so that afterwards the true positions are known.
                self.commits.begin_again();
                line
            }
        };
        let look = sqlx::raw_sql(AssertSqlSafe(self.look.clone()));
        let rows = match &mut line {
            Line::Listening(listener) => look.fetch_all(listener).await?,
            Line::Looking(connection) => look.fetch_all(connection).await?,
        };
        self.line = Some(line);
        Ok(rows)
    }

    async fn connect(&mut self) -> Result<Line, Error> {
        if self.may_listen {
            match listener(&self.location).await {
                Ok(listener) => return Ok(Line::Listening(listener)),
                // A standby has no messages either; the next connection may find the new primary.
                Err(error)
                    if driver_error::meaning(&error) == Meaning::Lost
                        || driver_error::kind(&error) == StoreErrorKind::ReadOnly =>
                {
                    return Err(error);
                }
                Err(error) => {
                    tracing::info!(
                        error = error.to_string(),
                        "the server has no messages, so looking has to do"
                    );
                    self.may_listen = false;
                }
            }
        }
        let connection = connection::connect(&self.location.connect).await?;
        Ok(Line::Looking(connection))
    }

    /// Passes messages on; returns when the connection is lost.
    async fn listen(&mut self) {
        let Some(Line::Listening(listener)) = &mut self.line else {
            return std::future::pending().await;
        };
        while let Ok(Some(message)) = listener.try_recv().await {
            for (partition, position) in notifier::read(message.payload()) {
                self.commits.learn(partition, position);
            }
        }
    }
}

/// The driver listens only through a pool.
async fn listener(location: &Location) -> Result<PgListener, Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(connection::CONNECT_TIMEOUT)
        .connect_lazy_with(location.connect.last_found().clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    // A new listener is made instead, and the heads are read again.
    listener.eager_reconnect(false);
    listener.listen(notifier::channel(location)).await?;
    Ok(listener)
}
