//! A clock of the server that a test lets jump: functions that an account finds before those of PostgreSQL.

use super::{Schema, at_the_end, execute, server};

/// The functions that those who connect to [`Clock::url`] find under `clock_timestamp()` and the like.
pub struct Clock {
    name: String,
    schema: Schema,
}

impl Clock {
    pub async fn new() -> Self {
        let schema = Schema::new();
        let name = schema.name().replace("exam", "clock");
        let mut sql = format!(
            "CREATE SCHEMA {name};
             CREATE TABLE {name}.ahead (by interval NOT NULL); INSERT INTO {name}.ahead VALUES ('0');
             CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'only-a-test';
             ALTER ROLE {name} SET search_path TO {name}, pg_catalog;"
        );
        for (function, volatility) in [
            ("clock_timestamp", "VOLATILE"),
            ("statement_timestamp", "STABLE"),
            ("transaction_timestamp", "STABLE"),
            ("now", "STABLE"),
        ] {
            sql.push_str(&format!(
                "CREATE FUNCTION {name}.{function}() RETURNS timestamptz LANGUAGE sql {volatility} AS
                 'SELECT pg_catalog.{function}() + (SELECT by FROM {name}.ahead)';"
            ));
        }
        execute(&server(), &sql).await.unwrap();
        Self { name, schema }
    }

    pub fn url(&self) -> String {
        let url = self.schema.url();
        let (_, rest) = url.split_once('@').unwrap();
        format!("postgres://{}:only-a-test@{rest}", self.name)
    }

    pub async fn jump_by(&self, seconds: i64) {
        let jump = format!(
            "UPDATE {}.ahead SET by = by + interval '1 second' * {seconds}",
            self.name
        );
        execute(&server(), &jump).await.unwrap();
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        let (name, schema) = (&self.name, self.schema.name());
        let drop_them = format!(
            "DROP SCHEMA IF EXISTS {schema} CASCADE; DROP SCHEMA {name} CASCADE; DROP ROLE {name}"
        );
        at_the_end(&server(), drop_them);
    }
}
