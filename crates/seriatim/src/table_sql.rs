//! SQL of read models, with the names that the tables of a version have.

use seriatim_core::ReadModelTables;

use crate::sqlx::AssertSqlSafe;

/// Statements about the tables of a version of a read model, for [`sqlx`](crate::sqlx).
pub trait TableSql {
    /// The statement with the names of this version's tables, as [`ReadModelTables::in_sql`] writes them. sqlx takes it as
    /// safe: it is made of a text of the program's own and of checked names.
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
    /// If the statement has a name in braces that is none of [`ReadModel::TABLES`](crate::ReadModel::TABLES).
    fn sql(&self, statement: &'static str) -> AssertSqlSafe<String>;
}

impl TableSql for ReadModelTables {
    fn sql(&self, statement: &'static str) -> AssertSqlSafe<String> {
        AssertSqlSafe(self.in_sql(statement))
    }
}
