//! Makes statements for the tables of one schema.
//!
//! Most texts are constants that name the tables without their schema; those of checkpoints and parked streams are put
//! together once, for one schema. They have a line for each clause and keywords in upper case. Rows are read by the names
//! of their columns, except where thousands of them are read.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};

/// A statement with its parameters.
pub(crate) type Statement = Query<'static, Postgres, PgArguments>;

/// The schema of the store's tables.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    prefix: String,
}

impl Schema {
    /// `name` must be an identifier that needs no quotes.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            prefix: format!("{name}.seriatim_"),
        }
    }

    /// Returns the text with the schema before each table. All tables are named `seriatim_...`.
    pub(crate) fn text(&self, sql: &str) -> String {
        sql.replace("seriatim_", &self.prefix)
    }

    /// Returns a statement with this text, without its parameters. A connection prepares it when it first uses it.
    pub(crate) fn statement(&self, sql: &str) -> Statement {
        sqlx::query(AssertSqlSafe(self.text(sql)))
    }
}
