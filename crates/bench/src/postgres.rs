//! The PostgreSQL that is measured: a schema of its own for each measurement, gone after it.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, Row};
use uuid::Uuid;

use crate::Outcome;

/// A server. Its account must be one that may make schemas and checkpoints.
#[derive(Clone, Debug)]
pub struct Server {
    url: String,
}

/// Tables that nobody else uses.
#[derive(Debug)]
pub struct Schema {
    server: Server,
    name: String,
}

impl Server {
    /// By its URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }

    /// Says what it is and what its figures depend on.
    pub async fn in_words(&self) -> Outcome<String> {
        let mut words = Vec::new();
        for name in [
            "server_version",
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "shared_buffers",
            "max_wal_size",
        ] {
            words.push(format!("{name} {}", self.setting(name).await?));
        }
        Ok(format!("PostgreSQL, {}", words.join(", ")))
    }

    /// The value of one of its settings.
    pub async fn setting(&self, name: &str) -> Outcome<String> {
        let mut connection = self.connect().await?;
        let row = sqlx::query("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Makes a schema for `work`, and drops it afterwards, whether the work succeeded or not.
    pub async fn with_schema<T>(
        &self,
        work: impl AsyncFnOnce(&Schema) -> Outcome<T>,
    ) -> Outcome<T> {
        let schema = self.make_schema().await?;
        let result = work(&schema).await;
        schema.discard().await?;
        result
    }

    /// Makes a schema that its owner has to [discard](Schema::discard).
    pub async fn make_schema(&self) -> Outcome<Schema> {
        let schema = Schema {
            server: self.clone(),
            name: format!("bench_{}", Uuid::now_v7().simple()),
        };
        let create_schema = format!("CREATE SCHEMA {}", schema.name);
        schema.execute(&create_schema).await?;
        Ok(schema)
    }

    /// The schema that every database has, for a contender with a database of its own: a copy of a database has its
    /// tables under the same names. Used by `peers`, a package of its own.
    pub fn public(&self) -> Schema {
        Schema {
            server: self.clone(),
            name: "public".into(),
        }
    }

    async fn connect(&self) -> Outcome<PgConnection> {
        Ok(self.options()?.connect().await?)
    }

    fn options(&self) -> Outcome<PgConnectOptions> {
        Ok(self.url.parse()?)
    }
}

impl Schema {
    /// Drops it with all that is in it.
    pub async fn discard(self) -> Outcome<()> {
        let drop_schema = format!("DROP SCHEMA {} CASCADE", self.name);
        self.execute(&drop_schema).await
    }

    /// For [`Product::open`](crate::product::Product::open).
    pub fn url(&self) -> String {
        let sign = if self.server.url.contains('?') {
            '&'
        } else {
            '?'
        };
        format!("{}{sign}schema={}", self.server.url, self.name)
    }

    /// Its name, which needs no quotes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection that finds its tables without their schema's name.
    pub async fn connect(&self) -> Outcome<PgConnection> {
        let path = [
            ("search_path", self.name.as_str()),
            ("synchronous_commit", "on"),
        ];
        Ok(self.server.options()?.options(path).connect().await?)
    }

    /// Runs a statement, or several.
    pub async fn execute(&self, sql: &str) -> Outcome<()> {
        let mut connection = self.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    /// Returns how many bytes each of its tables and indexes takes on disk.
    pub async fn sizes(&self) -> Outcome<Vec<(String, u64)>> {
        let mut connection = self.connect().await?;
        let rows = sqlx::query(
            "SELECT relname::text, pg_relation_size(oid) FROM pg_class
             WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'i') ORDER BY relkind DESC, relname",
        )
        .bind(&self.name)
        .fetch_all(&mut connection)
        .await?;
        let size = |row: &sqlx::postgres::PgRow| {
            Ok((row.try_get(0)?, u64::try_from(row.try_get::<i64, _>(1)?)?))
        };
        rows.iter().map(size).collect()
    }

    /// Must be called between preparing tables and measuring: brings them into the state of tables that have been
    /// there for long, and writes everything out, so that nobody pays for what another one has left behind.
    pub async fn settle(&self) -> Outcome<()> {
        let mut connection = self.connect().await?;
        let tables = sqlx::query("SELECT tablename FROM pg_tables WHERE schemaname = $1")
            .bind(&self.name)
            .fetch_all(&mut connection)
            .await?;
        for table in &tables {
            let table: &str = table.try_get(0)?;
            let vacuum = format!("VACUUM (ANALYZE) {}.\"{table}\"", self.name);
            sqlx::raw_sql(AssertSqlSafe(vacuum))
                .execute(&mut connection)
                .await?;
        }
        sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await?;
        Ok(())
    }
}
