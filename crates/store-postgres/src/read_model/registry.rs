//! The rows of the versions.

use seriatim_core::{
    Component, ReadModelTables, ReadModelVersion, Timestamp, VersionStanding, VersionStatus,
};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, Row};

use crate::opening::driver_error;
use crate::progress::checkpoint;
use crate::statement::Statement;
use crate::{PostgresStore, row};

const LOCK: &str = "LOCK TABLE seriatim_read_models IN SHARE ROW EXCLUSIVE MODE";

const HOLD_STILL: &str = "
    SELECT FROM seriatim_checkpoints
    WHERE component IN ($1, $2)
    FOR UPDATE";

const LIST: &str = "
    SELECT name, version, standing, tables, begun_at FROM seriatim_read_models
    WHERE $1::text IS NULL OR name = $1
    ORDER BY name, version";

const INSERT: &str = "
    INSERT INTO seriatim_read_models (name, version, standing, tables, begun_at)
    VALUES ($1, $2, $3, $4, $now)";

const STAND: &str = "
    UPDATE seriatim_read_models SET standing = $3
    WHERE name = $1 AND version = $2";

const FORGET: &str = "
    DELETE FROM seriatim_read_models
    WHERE name = $1 AND version = $2";

/// The registry, in a transaction of a caller's.
pub(super) struct Registry<'a> {
    pub(super) store: &'a PostgresStore,
    pub(super) connection: &'a mut PgConnection,
}

/// Runs `work` in a transaction, and commits if it succeeds. Otherwise the connection is dropped, and the server rolls
/// back. `failed` takes the driver's errors.
pub(super) async fn transact<T, E>(
    store: &PostgresStore,
    characteristics: &str,
    failed: impl Fn(Error) -> E,
    work: impl AsyncFnOnce(&mut Registry<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let connections = store.user_connections();
    let mut connection = connections.get().await.map_err(&failed)?;
    let begun = connections.begin(&mut connection, characteristics).await;
    let mut transaction = begun.map_err(&failed)?;
    let mut registry = Registry {
        store,
        connection: &mut transaction,
    };
    let result = work(&mut registry).await?;
    transaction.commit().await.map_err(&failed)?;
    connections.put_back(connection);
    Ok(result)
}

impl Registry<'_> {
    async fn execute(&mut self, statement: Statement) -> Result<(), Error> {
        statement.execute(&mut *self.connection).await.map(drop)
    }

    /// Until the end of the transaction no other process changes versions. Steps go on.
    pub(super) async fn lock(&mut self) -> Result<(), Error> {
        let lock = self.store.connections().schema().text(LOCK);
        self.run(lock).await
    }

    /// Until the end of the transaction no step of these components is committed.
    pub(super) async fn hold_still(&mut self, components: [&Component; 2]) -> Result<(), Error> {
        let [one, other] = components.map(Component::as_str);
        let hold = self.store.statement(HOLD_STILL).bind(one).bind(other);
        self.execute(hold).await
    }

    /// Returns the versions of one model, or all.
    pub(super) async fn versions(
        &mut self,
        name: Option<&str>,
    ) -> Result<Vec<VersionStatus>, Error> {
        let list = self.store.statement(LIST).bind(name);
        let rows = list.fetch_all(&mut *self.connection).await?;
        let mut versions = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut status = status(row, &self.prefix())?;
            let component = status.version.component();
            let list = self.store.texts().checkpoints.list(Some(&component));
            let list = list.fetch_all(&mut *self.connection).await?;
            status.checkpoints = list
                .iter()
                .map(checkpoint::checkpoint)
                .collect::<Result<_, _>>()?;
            versions.push(status);
        }
        Ok(versions)
    }

    /// Returns how many streams a version has parked.
    pub(super) async fn parked(&mut self, version: &ReadModelVersion) -> Result<usize, Error> {
        let parked = (self.store.texts().parked).parked(Some(&version.component()));
        let rows = parked.fetch_all(&mut *self.connection).await?;
        Ok(rows.len())
    }

    /// Returns the prefix of table names.
    pub(super) fn prefix(&self) -> String {
        format!("{}.", self.store.shared.schema)
    }

    pub(super) async fn insert(
        &mut self,
        version: &ReadModelVersion,
        tables: &ReadModelTables,
        standing: VersionStanding,
    ) -> Result<(), Error> {
        let insert = INSERT.replace("$now", crate::progress::checkpoint_sql::NOW);
        let plain: Vec<_> = tables.plain_names().collect();
        let insert = of_version(self.store.statement(&insert), version)
            .bind(standing.as_str())
            .bind(plain.join(","));
        self.execute(insert).await
    }

    pub(super) async fn stand(
        &mut self,
        version: &ReadModelVersion,
        standing: VersionStanding,
    ) -> Result<(), Error> {
        let stand = of_version(self.store.statement(STAND), version);
        self.execute(stand.bind(standing.as_str())).await
    }

    /// Deletes the row and the progress, as if the version had never existed.
    pub(super) async fn forget(&mut self, version: &ReadModelVersion) -> Result<(), Error> {
        let progress = self.store.texts().checkpoints.forget(&version.component());
        self.execute(progress).await?;
        let forget = of_version(self.store.statement(FORGET), version);
        self.execute(forget).await
    }

    /// Makes the views with the plain names show these tables, and no others, in place of those that `before` names.
    pub(super) async fn show(
        &mut self,
        tables: &ReadModelTables,
        before: &[&str],
    ) -> Result<(), Error> {
        for plain in before {
            if !tables.plain_names().any(|table| table == *plain) {
                self.run(format!("DROP VIEW IF EXISTS {}", tables.view(plain)))
                    .await?;
            }
        }
        for plain in tables.plain_names() {
            let (view, table) = (tables.view(plain), tables.name(plain));
            let select = format!("VIEW {view} AS SELECT * FROM {table}");
            // A table or view that is not ours is not replaced.
            if !before.contains(&plain) {
                self.run(format!("CREATE {select}")).await?;
            } else if !self.replace(&select).await? {
                self.run(format!("DROP VIEW IF EXISTS {view}; CREATE {select}"))
                    .await?;
            }
        }
        Ok(())
    }

    /// Returns whether a view could be replaced. It keeps the rights to it and what is built on it. It cannot be
    /// replaced if its columns differ.
    async fn replace(&mut self, select: &str) -> Result<bool, Error> {
        let mut savepoint = self.connection.begin().await?;
        let replace = sqlx::raw_sql(AssertSqlSafe(format!("CREATE OR REPLACE {select}")));
        match replace.execute(&mut *savepoint).await {
            Ok(_) => savepoint.commit().await.map(|()| true),
            Err(error) if driver_error::code(&error).as_deref() == Some("42P16") => {
                savepoint.rollback().await.map(|()| false)
            }
            Err(error) => Err(error),
        }
    }

    /// A statement without parameters.
    pub(super) async fn run(&mut self, statement: String) -> Result<(), Error> {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement));
        statement.execute(&mut *self.connection).await.map(drop)
    }
}

/// The first two parameters are the version.
fn of_version(statement: Statement, version: &ReadModelVersion) -> Statement {
    let number = i64::from(version.version());
    statement.bind(version.name()).bind(number)
}

fn status(row: &PgRow, prefix: &str) -> Result<VersionStatus, Error> {
    let number: i64 = row.try_get("version")?;
    let number = u32::try_from(number).map_err(row::unreadable)?;
    let version = ReadModelVersion::new(row.try_get("name")?, number).map_err(row::unreadable)?;
    let standing: &str = row.try_get("standing")?;
    let tables: &str = row.try_get("tables")?;
    let tables = tables.split(',').filter(|table| !table.is_empty());
    Ok(VersionStatus {
        version,
        standing: VersionStanding::parse(standing).map_err(row::unreadable)?,
        tables: ReadModelTables::new(prefix, tables, number),
        begun_at: Timestamp::from_micros(row.try_get("begun_at")?),
        checkpoints: Vec::new(),
    })
}
