//! SQL statements of read models, with the table names of a version.

use seriatim_core::ReadModelTables;

use crate::sqlx::AssertSqlSafe;

/// Statements about the tables of a version of a read model, for [`sqlx`](crate::sqlx).
pub trait TableSql {
    /// Returns the statement with the names of this version's tables, as [`ReadModelTables::in_sql`] writes them. sqlx
    /// accepts it as safe: it is made of the program's own text and of checked names.
    ///
    /// ```
    /// use seriatim::sqlx::{self, AssertSqlSafe};
    /// use seriatim::{ReadModelTables, TableSql};
    ///
    /// let tables = ReadModelTables::new("", ["balances"], 2);
    /// let AssertSqlSafe(sql) = tables.sql("SELECT cents FROM {balances} WHERE account = ?");
    /// assert_eq!(sql, "SELECT cents FROM balances_v2 WHERE account = ?");
    /// ```
    ///
    /// # Panics
    /// If a name in braces is not one of [`ReadModel::TABLES`](crate::ReadModel::TABLES).
    fn sql(&self, statement: &'static str) -> AssertSqlSafe<String>;
}

impl TableSql for ReadModelTables {
    fn sql(&self, statement: &'static str) -> AssertSqlSafe<String> {
        AssertSqlSafe(self.in_sql(statement))
    }
}
