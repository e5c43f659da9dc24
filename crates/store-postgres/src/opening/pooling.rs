//! Sends statements directly, or in a way that is safe behind a pooler.

use std::fmt::Write as _;
use std::sync::Arc;

use futures::StreamExt;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Error, PgConnection, Postgres};

use crate::opening::driver_error::{self, Meaning};
use crate::opening::location::Location;

type Statement = Query<'static, Postgres, PgArguments>;

/// Without a pooler a connection keeps its settings and what was prepared on it, and a statement is sent as it is.
///
/// A pooler that assigns server connections for each transaction may send two messages to two different servers'
/// connections. Behind it each statement is sent in a transaction, with its settings in the message that begins the
/// transaction. It is not prepared under a name, because the server connection of another client would not know the
/// name.
#[derive(Clone)]
pub(crate) struct Pooling {
    pooled: bool,
    begin: Arc<str>,
}

impl Pooling {
    pub(crate) fn of(location: &Location) -> Self {
        // The isolation level is given, because a server may have another default.
        let mut begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE".to_owned();
        if location.pooled {
            for (name, value) in location.settings_of_a_transaction() {
                let _ = write!(begin, "; SET LOCAL {name} = '{value}'");
            }
        }
        Self {
            pooled: location.pooled,
            begin: begin.into(),
        }
    }

    /// Begins a transaction, in one message; more statements without parameters may be added to it.
    pub(crate) fn begin(&self) -> &str {
        &self.begin
    }

    /// For a statement that is sent in a transaction which was begun.
    pub(crate) fn in_transaction(&self, statement: Statement) -> Statement {
        statement.persistent(!self.pooled)
    }

    /// Returns all rows of a statement that is a transaction of its own. When it returns, the transaction is committed.
    pub(crate) async fn fetch_all(
        &self,
        connection: &mut PgConnection,
        statement: Statement,
    ) -> Result<Vec<PgRow>, Error> {
        let mut rows = Vec::new();
        self.fetch_into(connection, statement, &mut rows).await?;
        Ok(rows)
    }

    /// Does the same, and adds each row to `rows` as soon as it arrives.
    pub(crate) async fn fetch_into(
        &self,
        connection: &mut PgConnection,
        statement: Statement,
        rows: &mut impl Extend<PgRow>,
    ) -> Result<(), Error> {
        if !self.pooled {
            return fetch_into(connection, statement, rows).await;
        }
        let fetched = self.begin_and_fetch(connection, statement, rows).await;
        if fetched
            .as_ref()
            .is_err_and(|error| driver_error::meaning(error) == Meaning::Lost)
        {
            return fetched;
        }
        // After a refusal this rolls back.
        sqlx::raw_sql("COMMIT").execute(connection).await?;
        fetched
    }

    async fn begin_and_fetch(
        &self,
        connection: &mut PgConnection,
        statement: Statement,
        rows: &mut impl Extend<PgRow>,
    ) -> Result<(), Error> {
        sqlx::raw_sql(AssertSqlSafe(self.begin.clone()))
            .execute(&mut *connection)
            .await?;
        fetch_into(connection, self.in_transaction(statement), rows).await
    }
}

async fn fetch_into(
    connection: &mut PgConnection,
    statement: Statement,
    rows: &mut impl Extend<PgRow>,
) -> Result<(), Error> {
    let mut arriving = statement.fetch(connection);
    while let Some(row) = arriving.next().await {
        rows.extend([row?]);
    }
    Ok(())
}
