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

/// Somebody has brought the tables to another schema while this program was at work on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the tables were brought to schema {found}, and this program knows schema {known}: stop it, and start one of the version \
     that brought them there"
)]
pub struct OtherSchema {
    /// The number of the last migration that was made.
    pub found: u32,
    /// The number of the last one that this program has.
    pub known: u32,
}
