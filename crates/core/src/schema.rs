//! What was missing in a store's tables, told by whoever brings them up to date.

/// A step from one schema of a store's tables to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Counts from 1.
    pub number: u32,
    /// What it is about.
    pub name: &'static str,
}

/// From which schema to which, and by which steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaChange {
    /// The number of the last migration that was made before; 0: there were no tables.
    pub before: u32,
    /// Those that were missing, in order.
    pub migrations: Vec<Migration>,
}

impl SchemaChange {
    /// The number of the last migration with these.
    pub fn after(&self) -> u32 {
        let last = self.migrations.last();
        last.map_or(self.before, |last| last.number)
    }
}
