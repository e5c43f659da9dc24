//! Brings a database's tables to this program's schema by migrations, and records them in a ledger.

use std::fmt;

use seriatim_core::{Migration, OtherSchema, SchemaChange};
use sha2::{Digest, Sha256};

/// Makes the [`Migrations`] of a dialect from its texts in the folder `migrations/` of the repository. Every dialect
/// has the migrations of this list. A released migration never changes; a change is a new migration, at the end.
#[macro_export]
macro_rules! migrations {
    ($dialect:literal) => {
        $crate::migrations! {
            $dialect:
            "0001_log",
            "0002_claims",
            "0003_snapshots",
            "0004_dead_letters",
            "0005_checkpoints",
            "0006_parked",
            "0007_timers",
            "0008_read_models",
            "0009_assignments",
            "0010_letters",
            "0011_domain_numbers",
            "0012_timers_by_clock",
            "0013_snapshots_by_event",
            "0014_log_identity",
            "0015_components",
            "0016_checksums",
            "0017_owner_process",
            "0018_pauses",
            "0019_one_letter",
            "0020_annotations",
        }
    };
    ($dialect:literal: $($file:literal,)+) => {
        $crate::Migrations::new(&[$((
            $file,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../../migrations/", $dialect, "/", $file, ".sql"
            )),
        ),)+])
    };
}

/// The migrations of a dialect, in order.
#[derive(Clone, Copy, Debug)]
pub struct Migrations(&'static [(&'static str, &'static str)]);

/// A migration with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its number, from 1 on.
    pub number: u32,
    /// Its name, which says what it is about.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMigration {
    /// The number of the migration.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// The checksum of the text that was applied.
    pub checksum: String,
}

/// The reason why the tables of a database do not fit this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The tables are older than this program, which was told not to migrate them.
    #[error(
        "the tables of {database} are at migration {found}, and this program needs them at {needed}; run `seriatim migrate` on it as a user who may make tables, or leave `migrate=never` out"
    )]
    Older {
        /// The database.
        database: String,
        /// The number of its last migration; 0 means that there are no tables.
        found: u32,
        /// The number of the last migration of this program.
        needed: u32,
    },
    /// A newer program has migrated the tables to a newer schema.
    #[error(
        "the tables of {database} are at migration {found}, and this program knows them up to {supported}; use a newer program"
    )]
    Newer {
        /// The database.
        database: String,
        /// The number of its last migration.
        found: u32,
        /// The number of the last migration of this program.
        supported: u32,
    },
    /// The text of a migration differs from the one in this program.
    #[error(
        "migration {number} (`{name}`) of {database} was made by a program whose text of it differs; use that program, or restore a backup"
    )]
    Changed {
        /// The database.
        database: String,
        /// The number of the migration.
        number: u32,
        /// Its name.
        name: String,
    },
}

impl Migrations {
    /// Makes the list from the names of the files, such as `0001_log`, and their texts.
    #[doc(hidden)]
    pub const fn new(files: &'static [(&'static str, &'static str)]) -> Self {
        Self(files)
    }

    fn last(&self) -> u32 {
        self.0.last().map_or(0, |last| Script::of(*last).number)
    }

    /// Returns the migrations after the one with this number, in order; 0 means all.
    pub fn after(&self, number: u32) -> impl Iterator<Item = Script> {
        let scripts = self.0.iter().copied().map(Script::of);
        scripts.skip_while(move |script| script.number <= number)
    }

    /// Returns the change from the migration with this number to the last one; 0 means that there are no tables.
    pub fn change_after(&self, number: u32) -> SchemaChange {
        let migrations = self.after(number).map(|script| Migration {
            number: script.number,
            name: script.name,
        });
        SchemaChange {
            before: number,
            migrations: migrations.collect(),
        }
    }

    /// Returns the migrations that `ledger`, in the order of the numbers, lacks. Fails if the ledger has one that this
    /// program does not have. Messages name the database as `database` shows it.
    pub fn missing(
        &self,
        database: impl fmt::Display,
        ledger: &[AppliedMigration],
    ) -> Result<SchemaChange, SchemaError> {
        let supported = self.last();
        let found = ledger.last().map_or(0, |last| last.number);
        if found > supported {
            return Err(SchemaError::Newer {
                database: database.to_string(),
                found,
                supported,
            });
        }
        let mut own = self.after(0);
        for applied in ledger {
            let same =
                |own: Script| own.number == applied.number && own.checksum() == applied.checksum;
            if !own.next().is_some_and(same) {
                return Err(SchemaError::Changed {
                    database: database.to_string(),
                    number: applied.number,
                    name: applied.name.clone(),
                });
            }
        }
        Ok(self.change_after(found))
    }

    /// Fails if the last applied migration, whose number is `found`, is not the last one of this program.
    pub fn check_last(&self, found: u32) -> Result<(), OtherSchema> {
        let known = self.last();
        match found == known {
            true => Ok(()),
            false => Err(OtherSchema { found, known }),
        }
    }
}

impl Script {
    fn of((file, sql): (&'static str, &'static str)) -> Self {
        let (number, name) = file.split_once('_').expect("a number, `_` and a name");
        let number = number.parse().expect("a number");
        Self { number, name, sql }
    }

    /// Returns the checksum of the statements in the ledger: their SHA-256 in lower-case hexadecimal digits.
    pub fn checksum(&self) -> String {
        let digest = Sha256::digest(self.sql);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const DIALECTS: [(&str, Migrations); 2] = [
        ("sqlite", migrations!("sqlite")),
        ("postgres", migrations!("postgres")),
    ];

    fn ledger(migrations: Migrations) -> Vec<AppliedMigration> {
        let applied = migrations.after(0).map(|script| AppliedMigration {
            number: script.number,
            name: script.name.to_owned(),
            checksum: script.checksum(),
        });
        applied.collect()
    }

    #[test]
    fn migrations_are_numbered_from_one_and_none_is_left_out() {
        for (dialect, migrations) in DIALECTS {
            let numbers = migrations.after(0).map(|script| script.number);
            assert!(numbers.eq(1..=migrations.last()), "{dialect}");
            let folder = format!("{}/../../migrations/{dialect}", env!("CARGO_MANIFEST_DIR"));
            let files = fs::read_dir(folder).unwrap().count();
            assert_eq!(files, migrations.0.len(), "{dialect}");
        }
    }

    /// The ledgers of existing databases have these checksums.
    #[test]
    fn checksums_stay_as_they_are() {
        let checksums = DIALECTS.map(|(_, migrations)| ledger(migrations)[0].checksum.clone());
        assert_eq!(
            checksums,
            [
                "35789f789f9c8ee2bda770b88237bfee9c2c685cac66b81a996196906b328556",
                "c6c0a488547838315b7de9ff4d8567ddce5c5671925cad601c2f3ba0b4d388f3"
            ]
        );
    }

    #[test]
    fn a_ledger_lacks_what_comes_after_its_last_migration() {
        let [(_, migrations), _] = DIALECTS;
        let last = migrations.last();
        let ledger = ledger(migrations);
        for applied in 0..=last {
            let missing = migrations
                .missing("it", &ledger[..applied as usize])
                .unwrap();
            assert_eq!((missing.before, missing.after()), (applied, last));
            assert_eq!(missing.migrations.len() as u32, last - applied);
        }
    }

    #[test]
    fn a_ledger_of_a_newer_or_another_program_is_refused() {
        let [(_, migrations), _] = DIALECTS;
        let mut ledger = ledger(migrations);
        ledger[1].checksum = "another".to_owned();
        let changed = migrations.missing("it", &ledger).unwrap_err();
        assert!(
            matches!(changed, SchemaError::Changed { number: 2, .. }),
            "{changed}"
        );
        ledger.last_mut().unwrap().number = 99;
        let newer = migrations.missing("it", &ledger).unwrap_err();
        assert!(
            matches!(newer, SchemaError::Newer { found: 99, .. }),
            "{newer}"
        );
    }
}
