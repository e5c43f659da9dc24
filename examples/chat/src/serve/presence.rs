//! Tells the gateways on this machine who is at the others: one small table in a file that goes with them.
//!
//! Gateways on several machines would keep the same table in a database that all of them reach.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, SystemTime};

use seriatim::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use seriatim::sqlx::{self, QueryBuilder, Row as _};
use seriatim::{SharePresence, Shown};

/// The rows of one statement: SQLite takes no more than 32,766 values.
const ROWS: usize = 1000;

/// What this gateway shows, and what the others do.
pub(crate) struct PresenceFile {
    pool: SqlitePool,
    /// Which rows are those of this gateway.
    process: i64,
}

impl PresenceFile {
    pub(crate) async fn open(file: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // It need not survive anything.
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(Duration::from_secs(2));
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options).await?;
        let table = "CREATE TABLE IF NOT EXISTS shown (process INTEGER, stream TEXT, user TEXT, signal TEXT, \
                     until INTEGER, PRIMARY KEY (process, stream, user, signal)) WITHOUT ROWID";
        sqlx::query(table).execute(&pool).await?;
        Ok(Self {
            pool,
            process: i64::from(std::process::id()),
        })
    }
}

impl SharePresence for PresenceFile {
    async fn exchange(&self, ours: Vec<Shown>) -> Result<Vec<Shown>, Box<dyn Error + Send + Sync>> {
        let now = milliseconds(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?);
        // The lock is taken at once: two gateways that read first and write then could wait for one another.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM shown WHERE process = ? OR until <= ?")
            .bind(self.process)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        for rows in ours.chunks(ROWS) {
            let mut insert = QueryBuilder::new("INSERT INTO shown ");
            insert.push_values(rows, |mut row, shown| {
                row.push_bind(self.process)
                    .push_bind(shown.stream.to_string())
                    .push_bind(&shown.user)
                    .push_bind(&shown.signal)
                    .push_bind(now + milliseconds(shown.lasts));
            });
            insert.build().execute(&mut *transaction).await?;
        }
        let theirs = "SELECT stream, user, signal, until FROM shown WHERE process <> ?";
        let theirs = sqlx::query(theirs).bind(self.process);
        let theirs = theirs.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        theirs
            .into_iter()
            .map(|row| {
                let lasts = row.try_get::<i64, _>("until")? - now;
                Ok(Shown {
                    stream: row.try_get::<&str, _>("stream")?.parse()?,
                    user: row.try_get("user")?,
                    signal: row.try_get("signal")?,
                    lasts: Duration::from_millis(lasts.try_into().unwrap_or(0)),
                })
            })
            .collect()
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
