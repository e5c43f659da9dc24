//! The rows of the versions.

use seriatim_core::{
    Component, ReadModelTables, ReadModelVersion, Timestamp, VersionStanding, VersionStatus,
};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, Row};

use crate::{PostgresStore, checkpoint, driver_error, row};

/// The registry, in a transaction of a caller's.
pub(super) struct Registry<'a> {
    pub(super) store: &'a PostgresStore,
    pub(super) connection: &'a mut PgConnection,
}

impl Registry<'_> {
    fn schema(&self) -> &str {
        &self.store.shared.schema
    }

    /// Until the end of the transaction no other process changes versions. Steps go on.
    pub(super) async fn lock(&mut self) -> Result<(), Error> {
        let schema = self.schema();
        let lock = format!("LOCK TABLE {schema}.seriatim_read_models IN SHARE ROW EXCLUSIVE MODE");
        self.run(lock).await
    }

    /// Until the end of the transaction no step of these components is committed.
    pub(super) async fn hold_still(&mut self, components: [&Component; 2]) -> Result<(), Error> {
        let schema = self.schema();
        let hold = format!(
            "SELECT FROM {schema}.seriatim_checkpoints WHERE component IN ($1, $2) FOR UPDATE"
        );
        let [one, other] = components;
        sqlx::query(AssertSqlSafe(hold))
            .bind(one.as_str())
            .bind(other.as_str())
            .execute(&mut *self.connection)
            .await
            .map(drop)
    }

    /// Returns the versions of one model, or all.
    pub(super) async fn versions(
        &mut self,
        name: Option<&str>,
    ) -> Result<Vec<VersionStatus>, Error> {
        let schema = self.schema();
        let select = format!(
            "SELECT name, version, standing, tables, begun_at FROM {schema}.seriatim_read_models
             WHERE $1::text IS NULL OR name = $1 ORDER BY name, version"
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(name);
        let rows = rows.fetch_all(&mut *self.connection).await?;
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
        format!("{}.", self.schema())
    }

    pub(super) async fn insert(
        &mut self,
        version: &ReadModelVersion,
        tables: &ReadModelTables,
        standing: VersionStanding,
    ) -> Result<(), Error> {
        let schema = self.schema();
        let insert = format!(
            "INSERT INTO {schema}.seriatim_read_models (name, version, standing, tables, begun_at)
             VALUES ($1, $2, $3, $4, {})",
            crate::checkpoint_sql::NOW
        );
        let tables: Vec<_> = tables.plain_names().collect();
        sqlx::query(AssertSqlSafe(insert))
            .bind(version.name())
            .bind(i64::from(version.version()))
            .bind(standing.as_str())
            .bind(tables.join(","))
            .execute(&mut *self.connection)
            .await
            .map(drop)
    }

    pub(super) async fn stand(
        &mut self,
        version: &ReadModelVersion,
        standing: VersionStanding,
    ) -> Result<(), Error> {
        let schema = self.schema();
        let update = format!(
            "UPDATE {schema}.seriatim_read_models SET standing = $3 WHERE name = $1 AND version = $2"
        );
        sqlx::query(AssertSqlSafe(update))
            .bind(version.name())
            .bind(i64::from(version.version()))
            .bind(standing.as_str())
            .execute(&mut *self.connection)
            .await
            .map(drop)
    }

    /// Deletes the row and the progress, as if the version had never existed.
    pub(super) async fn forget(&mut self, version: &ReadModelVersion) -> Result<(), Error> {
        let forget = self.store.texts().checkpoints.forget(&version.component());
        forget.execute(&mut *self.connection).await?;
        let schema = self.schema();
        let delete =
            format!("DELETE FROM {schema}.seriatim_read_models WHERE name = $1 AND version = $2");
        sqlx::query(AssertSqlSafe(delete))
            .bind(version.name())
            .bind(i64::from(version.version()))
            .execute(&mut *self.connection)
            .await
            .map(drop)
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

fn status(row: &PgRow, prefix: &str) -> Result<VersionStatus, Error> {
    let number: i64 = row.try_get(1)?;
    let number = u32::try_from(number).map_err(row::unreadable)?;
    let version = ReadModelVersion::new(row.try_get(0)?, number).map_err(row::unreadable)?;
    let standing: &str = row.try_get(2)?;
    let tables: &str = row.try_get(3)?;
    let tables = tables.split(',').filter(|table| !table.is_empty());
    Ok(VersionStatus {
        version,
        standing: VersionStanding::parse(standing).map_err(row::unreadable)?,
        tables: ReadModelTables::new(prefix, tables, number),
        begun_at: Timestamp::from_micros(row.try_get(4)?),
        checkpoints: Vec::new(),
    })
}
