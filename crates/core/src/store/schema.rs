//! Reports the migrations that a store's tables lacked and that the program has made.

/// A step from one schema of a store's tables to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number, from 1 on.
    pub number: u32,
    /// Its name, which says what it is about.
    pub name: &'static str,
}

/// A change from one schema to another, with its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaChange {
    /// The number of the last migration that was made before; 0 if there were no tables.
    pub before: u32,
    /// The migrations that were missing, in order.
    pub migrations: Vec<Migration>,
}

impl SchemaChange {
    /// Returns the number of the last migration after the change.
    pub fn after(&self) -> u32 {
        let last = self.migrations.last();
        last.map_or(self.before, |last| last.number)
    }
}

/// The tables were brought to another schema while this program was using them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the tables were brought to schema {found}, and this program knows schema {known}: stop it, and start one of the version \
     that brought them there"
)]
pub struct OtherSchema {
    /// The number of the last migration that was made.
    pub found: u32,
    /// The number of the last migration that this program has.
    pub known: u32,
}
