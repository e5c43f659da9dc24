//! Names the versions of a read model, and their tables.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::{
    Checkpoint, Component, LogPartition, Position, ReadModel, ReadModelProgress, Timestamp,
};

/// A version of a read model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadModelVersion {
    name: Arc<str>,
    version: u32,
}

impl ReadModelVersion {
    /// The longest name of a read model or a table. With its version and the suffix of an index it stays below the
    /// limit of PostgreSQL.
    pub const LONGEST_NAME: usize = 40;

    /// Makes a version after checking the name.
    pub fn new(name: &str, version: u32) -> Result<Self, InvalidReadModelName> {
        check(name)?;
        Ok(Self {
            name: name.into(),
            version,
        })
    }

    /// Returns the version of a model. Fails if one of its names is invalid.
    pub fn of<C: Send, M: ReadModel<C>>() -> Result<Self, InvalidReadModelName> {
        for table in M::TABLES {
            check(table)?;
            if table.starts_with(STORES_OWN) {
                return Err(InvalidReadModelName {
                    name: (*table).into(),
                });
            }
        }
        Self::new(M::NAME, M::VERSION)
    }

    /// Returns the name that all versions share.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of the version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Returns the version that a component with this name feeds; `None` if it feeds none.
    pub fn fed_by(component: &Component) -> Option<Self> {
        let (name, version) = component.as_str().rsplit_once(".v")?;
        let found = Self::new(name, version.parse().ok()?).ok()?;
        (found.component() == *component).then_some(found)
    }

    /// Returns the component that feeds it, such as `balances.v2`.
    pub fn component(&self) -> Component {
        let name = format!("{}.v{}", self.name, self.version);
        Component::new(&name).expect("a name of a read model is one of a component")
    }
}

impl fmt::Display for ReadModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` version {}", self.name, self.version)
    }
}

/// The prefix of the store's own tables.
const STORES_OWN: &str = "seriatim_";

/// Fails if a name needs escapes in SQL, which it becomes part of.
fn check(name: &str) -> Result<(), InvalidReadModelName> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    match begins_well && name.len() <= ReadModelVersion::LONGEST_NAME && name.chars().all(plain) {
        true => Ok(()),
        false => Err(InvalidReadModelName { name: name.into() }),
    }
}

/// An invalid name of a read model or of its table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` cannot name a read model or its table: take 1 to {} characters, a lower-case letter first, then lower-case letters, digits or `_`; a table cannot begin with `{STORES_OWN}`",
    ReadModelVersion::LONGEST_NAME
)]
pub struct InvalidReadModelName {
    /// The value that was given.
    pub name: String,
}

/// The names of the tables of a version in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadModelTables {
    /// The schema with a dot; empty if there are no schemas.
    prefix: Arc<str>,
    plain: Vec<String>,
    version: u32,
}

impl ReadModelTables {
    /// For stores: makes the names. `prefix` is the text that SQL needs before the name of a table, for example
    /// `seriatim.`.
    pub fn new<T: Into<String>>(
        prefix: &str,
        plain: impl IntoIterator<Item = T>,
        version: u32,
    ) -> Self {
        Self {
            prefix: prefix.into(),
            plain: plain.into_iter().map(Into::into).collect(),
            version,
        }
    }

    /// Returns the name in SQL of the table with this plain name: `seriatim.balances_v2` for `balances`.
    ///
    /// # Panics
    /// Panics if [`ReadModel::TABLES`] names no such table.
    pub fn name(&self, plain: &str) -> String {
        assert!(
            self.plain.iter().any(|table| table == plain),
            "there is no table `{plain}`; name it in `ReadModel::TABLES`"
        );
        format!("{}{plain}_v{}", self.prefix, self.version)
    }

    /// Returns the same without the schema, for the names of indexes: `balances_v2`.
    ///
    /// # Panics
    /// Panics if [`ReadModel::TABLES`] names no such table.
    pub fn bare_name(&self, plain: &str) -> String {
        self.name(plain).split_off(self.prefix.len())
    }

    /// Returns a statement in which plain names in braces are replaced by tables: `{balances}` as by
    /// [`name`](Self::name), `{balances.bare}` as by [`bare_name`](Self::bare_name). Other braces stay as they are.
    ///
    /// # Panics
    /// Panics if [`ReadModel::TABLES`] names no such table.
    pub fn in_sql(&self, statement: &str) -> String {
        let mut sql = String::with_capacity(statement.len() + 64);
        let mut rest = statement;
        while let Some((before, after)) = rest.split_once('{') {
            sql.push_str(before);
            let named = after
                .split_once('}')
                .filter(|(word, _)| is_plain_name(word));
            match named {
                Some((word, after)) => {
                    sql.push_str(&match word.strip_suffix(".bare") {
                        Some(plain) => self.bare_name(plain),
                        None => self.name(word),
                    });
                    rest = after;
                }
                None => {
                    sql.push('{');
                    rest = after;
                }
            }
        }
        sql + rest
    }

    /// Returns the view under a plain name, which shows the live version: `seriatim.balances`.
    pub fn view(&self, plain: &str) -> String {
        format!("{}{plain}", self.prefix)
    }

    /// Returns all plain names.
    pub fn plain_names(&self) -> impl Iterator<Item = &str> {
        self.plain.iter().map(String::as_str)
    }

    /// Returns SQL for the rows of a table, with all columns or some.
    ///
    /// # Panics
    /// Panics if [`ReadModel::TABLES`] names no such table.
    pub fn select(&self, plain: &str, columns: &[String]) -> String {
        let table = self.name(plain);
        if columns.is_empty() {
            return format!("SELECT * FROM {table}");
        }
        // Without the table's alias SQLite would read the name of a missing column as a text.
        let quoted = columns
            .iter()
            .map(|column| format!("t.\"{}\"", column.replace('"', "\"\"")));
        let columns: Vec<_> = quoted.collect();
        format!("SELECT {} FROM {table} AS t", columns.join(", "))
    }

    /// Returns all names in SQL.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.plain_names().map(|plain| self.name(plain))
    }
}

/// Returns whether it looks like a name that somebody meant, rather than JSON or an array.
fn is_plain_name(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.chars().all(plain)
}

/// The standing of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionStanding {
    /// It is being built, and no reader sees it yet.
    Building,
    /// The views show it.
    Live,
    /// The views showed it before. It exists until it is dropped, and is kept up to date as long as a process feeds it.
    Kept,
}

impl VersionStanding {
    /// Returns its name in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Live => "live",
            Self::Kept => "kept",
        }
    }

    /// Reads the name that [`as_str`](Self::as_str) returns.
    pub fn parse(text: &str) -> Result<Self, UnknownStanding> {
        let all = [Self::Building, Self::Live, Self::Kept];
        let mut all = all.into_iter();
        let found = all.find(|standing| standing.as_str() == text);
        found.ok_or_else(|| UnknownStanding(text.into()))
    }
}

impl fmt::Display for VersionStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is not the standing of a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no version of a read model is `{0}`; restore a backup")]
pub struct UnknownStanding(pub String);

/// An existing version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionStatus {
    /// The version.
    pub version: ReadModelVersion,
    /// Its standing.
    pub standing: VersionStanding,
    /// The names of its tables.
    pub tables: ReadModelTables,
    /// The time at which its tables were made, by the clock of the database.
    pub begun_at: Timestamp,
    /// The progress of each piece of its work. Work that was never taken is left out.
    pub checkpoints: Vec<Checkpoint>,
}

impl VersionStatus {
    /// Returns its progress in a log with these heads, in the order of their partitions.
    pub fn progress(&self, heads: &[Position]) -> ReadModelProgress {
        let reached = reached(&self.checkpoints);
        let handled = LogPartition::FIRST.0..;
        let handled = handled.zip(heads).map(|(partition, head)| {
            let position = reached.get(&LogPartition(partition));
            position.map_or(0, |position| position.0.min(head.0))
        });
        let moved = self.checkpoints.iter().map(|one| one.moved_at);
        ReadModelProgress {
            handled: handled.sum(),
            of: heads.iter().map(|head| head.0).sum(),
            begun_at: self.begun_at,
            moved_at: moved.max().unwrap_or(self.begun_at),
        }
    }

    /// Returns the first place where this version is behind `other`: the partition, its own position there and the
    /// other's.
    pub fn behind(&self, other: &Self) -> Option<(LogPartition, Position, Position)> {
        let reached = reached(&self.checkpoints);
        let behind = other.checkpoints.iter().map(|theirs| {
            let partition = theirs.work.partition;
            let ours = reached.get(&partition).copied();
            (
                partition,
                ours.unwrap_or(Position::START),
                theirs.at.position,
            )
        });
        behind
            .filter(|(_, ours, theirs)| ours < theirs)
            .max_by_key(|(.., theirs)| *theirs)
    }
}

/// Returns the position in each partition up to which everything is handled, because all shares have reached it. If the
/// work was cut into another number of shares before, the cut that has come furthest counts.
fn reached(checkpoints: &[Checkpoint]) -> BTreeMap<LogPartition, Position> {
    let mut cuts: BTreeMap<_, (u16, Position)> = BTreeMap::new();
    for checkpoint in checkpoints {
        let work = &checkpoint.work;
        let cut = cuts.entry((work.partition, work.share.count()));
        let (shares, position) = cut.or_insert((0, checkpoint.at.position));
        *shares += 1;
        *position = checkpoint.at.position.min(*position);
    }
    let mut reached = BTreeMap::new();
    for ((partition, count), (shares, position)) in cuts {
        if shares == count.get() {
            let furthest = reached.entry(partition).or_insert(position);
            *furthest = position.max(*furthest);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::time::Duration;

    use super::*;
    use crate::{Bookmark, Share, Work};

    #[test]
    fn names_in_braces_are_the_tables_of_the_version() {
        let tables = ReadModelTables::new("shop.", ["balances", "notes"], 3);
        for (statement, sql) in [
            ("SELECT 1", "SELECT 1"),
            (
                "CREATE INDEX {notes.bare}_by_day ON {notes} (day)",
                "CREATE INDEX notes_v3_by_day ON shop.notes_v3 (day)",
            ),
            (
                "INSERT INTO {balances} SELECT * FROM {notes}",
                "INSERT INTO shop.balances_v3 SELECT * FROM shop.notes_v3",
            ),
            (
                r#"SELECT '{}', '{"a":{}}', '{1,2}', '{'"#,
                r#"SELECT '{}', '{"a":{}}', '{1,2}', '{'"#,
            ),
            ("{{balances}}", "{shop.balances_v3}"),
        ] {
            assert_eq!(tables.in_sql(statement), sql);
        }
    }

    #[test]
    #[should_panic(expected = "there is no table `balance`; name it in `ReadModel::TABLES`")]
    fn a_name_in_braces_that_is_no_table_is_refused() {
        let tables = ReadModelTables::new("", ["balances"], 1);
        tables.in_sql("SELECT * FROM {balance}");
    }

    fn second(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// Makes a status from lists of (partition, share, number of shares, position).
    fn status(version: u32, places: &[(u16, usize, u16, u64)]) -> VersionStatus {
        let version = ReadModelVersion::new("balances", version).unwrap();
        let checkpoint =
            |&(partition, share, count, position): &(u16, usize, u16, u64)| Checkpoint {
                work: Work {
                    component: version.component(),
                    partition: LogPartition(partition),
                    share: Share::all(NonZero::new(count).unwrap()).nth(share).unwrap(),
                },
                at: Bookmark::at(Position(position)),
                epoch: 1,
                owner: None,
                leased_until: second(0),
                moved_at: second(10 + position as i64 / 100),
                paused: None,
            };
        VersionStatus {
            checkpoints: places.iter().map(checkpoint).collect(),
            tables: ReadModelTables::new("", ["balances"], 2),
            standing: VersionStanding::Building,
            begun_at: second(10),
            version,
        }
    }

    #[test]
    fn progress_counts_what_every_share_has_finished() {
        let heads = [Position(1000), Position(500)];
        let empty = status(2, &[]).progress(&[]);
        assert_eq!((empty.is_done(), empty.percent()), (true, 100));
        assert_eq!(empty.left_at(empty.rate()), Some(Duration::ZERO));
        let nothing = status(2, &[]).progress(&heads);
        assert_eq!((nothing.is_done(), nothing.percent()), (false, 0));
        assert_eq!((nothing.handled, nothing.of), (0, 1500));
        assert_eq!(nothing.left_at(nothing.rate()), None);

        // The second share of partition 0 is behind; that of partition 1 was never taken.
        let some = status(2, &[(0, 0, 2, 900), (0, 1, 2, 500), (1, 0, 2, 400)]);
        let some = some.progress(&heads);
        assert_eq!(some.handled, 500);
        // The furthest piece reached its position nine seconds after the beginning.
        assert!((some.rate() - 500.0 / 9.0).abs() < 1e-9);
        let left = some.left_at(100.0);
        assert_eq!(left, Some(Duration::from_secs(10)));

        let more = status(2, &[(0, 0, 1, 1000), (1, 0, 1, 500)]).progress(&heads);
        assert!((more.rate_since(&some) - 1000.0).abs() < 1e-9);
        assert_eq!(more.left_at(0.0), Some(Duration::ZERO));
    }

    #[test]
    fn a_version_is_behind_until_every_share_has_passed_every_share_of_the_other() {
        let live = status(1, &[(0, 0, 2, 70), (0, 1, 2, 80), (1, 0, 1, 5)]);
        for (places, behind) in [
            (vec![], Some((0, 0, 80))),
            (vec![(0, 0, 1, 79), (1, 0, 1, 5)], Some((0, 79, 80))),
            (vec![(0, 0, 1, 80), (1, 0, 1, 4)], Some((1, 4, 5))),
            (vec![(0, 0, 2, 90), (1, 0, 1, 9)], Some((0, 0, 80))),
            (vec![(0, 0, 1, 80), (0, 0, 2, 9), (1, 0, 1, 5)], None),
        ] {
            let behind = behind.map(|(partition, ours, theirs)| {
                (LogPartition(partition), Position(ours), Position(theirs))
            });
            assert_eq!(status(2, &places).behind(&live), behind, "{places:?}");
        }
    }

    #[test]
    fn names_are_plain_and_tables_carry_the_version() {
        let version = ReadModelVersion::new("open_orders", 12).unwrap();
        assert_eq!(version.component().as_str(), "open_orders.v12");
        let tables = ReadModelTables::new("seriatim.", ["orders", "lines"], 12);
        assert_eq!(tables.name("lines"), "seriatim.lines_v12");
        assert_eq!(tables.bare_name("lines"), "lines_v12");
        assert_eq!(tables.view("lines"), "seriatim.lines");
        let long = "a".repeat(41);
        for name in ["", "Orders", "1st", "a b", "a-b", "_a", "a\"b", &long] {
            assert!(ReadModelVersion::new(name, 1).is_err(), "{name}");
        }
    }

    #[test]
    fn columns_are_named_with_their_table_and_in_quotes() {
        let tables = ReadModelTables::new("", ["orders"], 3);
        assert_eq!(tables.select("orders", &[]), "SELECT * FROM orders_v3");
        let columns = ["root".to_owned(), "a\"b".to_owned()];
        assert_eq!(
            tables.select("orders", &columns),
            r#"SELECT t."root", t."a""b" FROM orders_v3 AS t"#
        );
    }

    #[test]
    #[should_panic(expected = "name it in `ReadModel::TABLES`")]
    fn a_table_that_was_not_declared_has_no_name() {
        ReadModelTables::new("", ["orders"], 1).name("lines");
    }
}
