//! Compares the rows of a version of a read model with those of the live one.

use crate::{ReadModelTables, ReadModelVersion, VersionStatus};

/// Makes a query from the table names of a version.
pub type ComparisonQuery = dyn Fn(&ReadModelTables) -> String + Send + Sync;

/// The result of a comparison with the live version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// True if both versions had handled the same events at that moment. If not, they may differ for that reason alone.
    pub at_same_position: bool,
    /// The number of rows that the query gives on the live version.
    pub live_rows: u64,
    /// The number of rows that the query gives on the other version.
    pub rows: u64,
    /// The number of rows that only the live version gives. A row that it gives three times and the other version twice
    /// counts once.
    pub only_live: u64,
    /// The number of rows that only the other version gives.
    pub only_other: u64,
}

impl Comparison {
    /// For stores: returns SQL that gives one row of four counts, for [`Comparison::of`]. Both queries must have this
    /// many columns.
    pub fn sql(live: &str, other: &str, columns: usize) -> String {
        let columns: Vec<_> = (0..columns).map(|column| format!("c{column}")).collect();
        let columns = columns.join(", ");
        let beyond = |these: &str, those: &str| {
            format!("CASE WHEN {these} > {those} THEN {these} - {those} ELSE 0 END")
        };
        let count = |rows: &str| format!("CAST(coalesce(sum({rows}), 0) AS bigint)");
        // Both sides count how often each row occurs. Nulls are equal to one another.
        format!(
            "WITH sides ({columns}, live, other) AS (
    SELECT these.*, 1, 0 FROM ({live}) AS these UNION ALL SELECT those.*, 0, 1 FROM ({other}) AS those
), counted AS (
    SELECT sum(live) AS live, sum(other) AS other FROM sides GROUP BY {columns}
)
SELECT {}, {}, {}, {} FROM counted",
            count("live"),
            count("other"),
            count(&beyond("live", "other")),
            count(&beyond("other", "live")),
        )
    }

    /// For stores: makes a comparison of those counts. The two versions are as they were at the moment of counting.
    pub fn of(live: &VersionStatus, other: &VersionStatus, counts: [u64; 4]) -> Self {
        let [live_rows, rows, only_live, only_other] = counts;
        Self {
            at_same_position: live.behind(other).is_none() && other.behind(live).is_none(),
            live_rows,
            rows,
            only_live,
            only_other,
        }
    }

    /// Returns whether both versions have the same rows.
    pub fn is_equal(&self) -> bool {
        self.live_rows == self.rows && self.only_live == 0 && self.only_other == 0
    }
}

/// Selects what to compare of a version if there is no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompareTables {
    /// The version to compare with the live one.
    pub version: ReadModelVersion,
    /// The table, by its plain name; `None` for all tables that both versions have.
    pub table: Option<String>,
    /// The columns to compare; all if none is given.
    pub columns: Vec<String>,
}

/// The result of a comparison of tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedTables {
    /// The live version.
    pub live: ReadModelVersion,
    /// The tables that both versions have, by their plain names. Each was compared at a moment of its own.
    pub tables: Vec<(String, Comparison)>,
    /// The tables that only one version has.
    pub only_in_one: Vec<String>,
}

impl ComparedTables {
    /// Returns whether the two versions show the same data.
    pub fn is_equal(&self) -> bool {
        let mut tables = self.tables.iter();
        self.only_in_one.is_empty() && tables.all(|(_, comparison)| comparison.is_equal())
    }
}
