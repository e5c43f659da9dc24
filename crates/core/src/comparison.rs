//! The rows of a version of a read model, held against those of the live one.

use crate::{ReadModelTables, ReadModelVersion, VersionStatus};

/// Makes a query from the names of the tables of a version.
pub type ComparisonQuery = dyn Fn(&ReadModelTables) -> String + Send + Sync;

/// What a comparison with the live version has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Whether both had handled the same events at that moment. If not, they may differ for that reason alone.
    pub at_same_position: bool,
    /// How many rows the live version gave.
    pub live_rows: u64,
    /// How many the other gave.
    pub rows: u64,
    /// How many rows the live version has beyond those of the other: one that it has three times, and the other twice,
    /// counts once.
    pub only_live: u64,
    /// How many rows the other has beyond those of the live version.
    pub only_other: u64,
}

impl Comparison {
    /// For stores: SQL that gives one row of four counts, for [`Comparison::of`]. Both queries give so many columns.
    pub fn sql(live: &str, other: &str, columns: usize) -> String {
        let columns: Vec<_> = (0..columns).map(|column| format!("c{column}")).collect();
        let columns = columns.join(", ");
        let beyond = |these: &str, those: &str| {
            format!("CASE WHEN {these} > {those} THEN {these} - {those} ELSE 0 END")
        };
        let count = |rows: &str| format!("CAST(coalesce(sum({rows}), 0) AS bigint)");
        // How often each row is there is counted on both sides. Nulls are equal to one another.
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

    /// For stores: what those counts say of two versions that stood there at that moment.
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

    /// Whether the rows are the same.
    pub fn is_equal(&self) -> bool {
        self.live_rows == self.rows && self.only_live == 0 && self.only_other == 0
    }
}

/// What is to be compared of a version, where nobody can give a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompareTables {
    /// Which version, with the live one.
    pub version: ReadModelVersion,
    /// Which table, by its plain name; `None`: all that both versions have.
    pub table: Option<String>,
    /// Which of its columns; none: all.
    pub columns: Vec<String>,
}

/// What a comparison of tables has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedTables {
    /// The version that is live.
    pub live: ReadModelVersion,
    /// The tables that both versions have, by their plain names; each was looked at at a moment of its own.
    pub tables: Vec<(String, Comparison)>,
    /// Those that only one of them has.
    pub only_in_one: Vec<String>,
}

impl ComparedTables {
    /// Whether the two show the same.
    pub fn is_equal(&self) -> bool {
        let mut tables = self.tables.iter();
        self.only_in_one.is_empty() && tables.all(|(_, comparison)| comparison.is_equal())
    }
}
