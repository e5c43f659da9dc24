//! Reports which commands merge with which events.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use seriatim_core::{Aggregate, Message};

/// The result of one collision.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) command: &'static str,
    /// The types of the events in between.
    pub(super) events: BTreeSet<&'static str>,
    pub(super) outcome: Outcome,
    /// If the command had come first, the commands in between would have been decided otherwise.
    pub(super) decided_otherwise: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Merged,
    Refused,
    Rejected,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    merged: u32,
    refused: u32,
    rejected: u32,
    decided_otherwise: bool,
}

/// The results of all collisions.
#[derive(Debug, Default)]
pub(super) struct Tally {
    collisions: u32,
    /// Collisions in which all events in between were of one type.
    alone: BTreeMap<(&'static str, &'static str), Count>,
    /// Collisions in which there were events of other types too.
    among_others: BTreeMap<(&'static str, &'static str), Count>,
}

impl Tally {
    /// Counts a collision; `None` is a case with nothing in between.
    pub(super) fn add(&mut self, met: Option<Met>) {
        let Some(met) = met else { return };
        self.collisions += 1;
        let counts = match met.events.len() {
            1 => &mut self.alone,
            _ => &mut self.among_others,
        };
        for event in met.events {
            let count = counts.entry((met.command, event)).or_default();
            match met.outcome {
                Outcome::Merged => count.merged += 1,
                Outcome::Refused => count.refused += 1,
                Outcome::Rejected => count.rejected += 1,
            }
            count.decided_otherwise |= met.decided_otherwise;
        }
    }

    /// Collisions with one event type show more than those with several. The latter count only if there are none of the
    /// former.
    fn count(&self, command: &'static str, event: &'static str) -> Count {
        let key = (command, event);
        let count = self.alone.get(&key).or_else(|| self.among_others.get(&key));
        count.copied().unwrap_or_default()
    }
}

/// The results for a command when events of one type came in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The two never met.
    NeverMet,
    /// Always merged.
    Merges,
    /// Never merged.
    Conflicts,
    /// Merged in some cases.
    Depends {
        /// The number of cases in which it merged.
        merged: u32,
        /// The number of cases in all.
        of: u32,
    },
    /// The command was rejected, with or without the events.
    Rejected,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverMet => f.write_str("-"),
            Self::Merges => f.write_str("merges"),
            Self::Conflicts => f.write_str("conflicts"),
            Self::Depends { merged, of } => write!(f, "depends ({merged} of {of})"),
            Self::Rejected => f.write_str("rejected"),
        }
    }
}

impl From<Count> for Cell {
    fn from(count: Count) -> Self {
        match count {
            Count {
                merged: 0,
                refused: 0,
                rejected: 0,
                ..
            } => Self::NeverMet,
            Count {
                merged: 0,
                refused: 0,
                ..
            } => Self::Rejected,
            Count { merged: 0, .. } => Self::Conflicts,
            Count { refused: 0, .. } => Self::Merges,
            Count {
                merged, refused, ..
            } => Self::Depends {
                merged,
                of: merged + refused,
            },
        }
    }
}

/// The domain, its event types, its command types.
type Names = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// A table of which commands merge with which events in between. It displays as a table.
#[derive(Clone, Debug)]
pub struct Report {
    title: String,
    events: &'static [&'static str],
    /// A row for each command type, with a cell for each event type and whether it has the note.
    rows: Vec<(&'static str, Vec<(Cell, bool)>)>,
}

impl Report {
    pub(super) fn of<A: Aggregate>(tally: &Tally, cases: u32, seed: u64) -> Self {
        let names = (A::DOMAIN, A::Event::TYPE_NAMES, A::Command::TYPE_NAMES);
        Self::new(names, tally, cases, seed)
    }

    fn new((domain, events, commands): Names, tally: &Tally, cases: u32, seed: u64) -> Self {
        let row = |command: &&'static str| {
            let cells = events.iter().map(|event| {
                let count = tally.count(command, event);
                (count.into(), count.decided_otherwise)
            });
            (*command, cells.collect())
        };
        Self {
            title: format!(
                "`{domain}`: {} collisions in {cases} cases (seed {seed}); commands down, events in between across",
                tally.collisions
            ),
            events,
            rows: commands.iter().map(row).collect(),
        }
    }

    /// Returns the results for commands of the type `command` when events of the type `event` came in between.
    ///
    /// # Panics
    /// Panics if the aggregate has no such types.
    #[track_caller]
    pub fn cell(&self, command: &str, event: &str) -> Cell {
        let row = self.rows.iter().find(|(name, _)| *name == command);
        let (_, cells) = row.unwrap_or_else(|| panic!("there is no command `{command}`"));
        let column = self.events.iter().position(|name| *name == event);
        cells[column.unwrap_or_else(|| panic!("there is no event `{event}`"))].0
    }

    /// The table without its title: a header, then a row for each command type.
    fn table(&self) -> Vec<Vec<String>> {
        let mut header = vec![String::new()];
        header.extend(self.events.iter().map(ToString::to_string));
        let mut table = vec![header];
        for (command, cells) in &self.rows {
            let mut row = vec![(*command).to_owned()];
            row.extend(cells.iter().map(|(cell, note)| {
                let note = if *note { "*" } else { "" };
                format!("{cell}{note}")
            }));
            table.push(row);
        }
        table
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        let table = self.table();
        let width = |column: usize| {
            let widths = table.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..=self.events.len()).map(width).collect();
        for row in &table {
            let cells = row.iter().zip(&widths);
            let line: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            writeln!(f, "  {}", line.join("  ").trim_end())?;
        }
        let cells = || self.rows.iter().flat_map(|(_, cells)| cells);
        let notes = [
            (
                cells().any(|(_, note)| *note),
                "* order of decisions matters: had this command come first, those in between would have been decided otherwise",
            ),
            (
                cells().any(|(cell, _)| *cell == Cell::NeverMet),
                "- the two never met: try more cases, or let the generator make them meet",
            ),
        ];
        let mut notes = notes.iter().filter(|(applies, _)| *applies).peekable();
        if notes.peek().is_some() {
            writeln!(f)?;
        }
        notes.try_for_each(|(_, note)| writeln!(f, "  {note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &[&str] = &["Opened", "Deposited", "Closed"];

    fn report(met: impl IntoIterator<Item = Met>) -> Report {
        let mut tally = Tally::default();
        tally.add(None);
        met.into_iter().for_each(|met| tally.add(Some(met)));
        Report::new(("account", EVENTS, &["Open", "Deposit"]), &tally, 9, 3)
    }

    fn met(command: &'static str, events: &[&'static str], outcome: Outcome) -> Met {
        Met {
            command,
            events: events.iter().copied().collect(),
            outcome,
            decided_otherwise: command == "Deposit" && events == ["Opened"],
        }
    }

    #[test]
    fn the_table_has_a_cell_for_each_pair_and_explains_its_notes() {
        let table = report([
            met("Open", &["Opened"], Outcome::Refused),
            met("Open", &["Deposited"], Outcome::Rejected),
            met("Deposit", &["Opened"], Outcome::Merged),
            met("Deposit", &["Deposited"], Outcome::Merged),
            met("Deposit", &["Deposited"], Outcome::Refused),
            met("Deposit", &["Deposited"], Outcome::Refused),
        ]);
        let expected = "\
`account`: 6 collisions in 9 cases (seed 3); commands down, events in between across

           Opened     Deposited         Closed
  Open     conflicts  rejected          -
  Deposit  merges*    depends (1 of 3)  -

  * order of decisions matters: had this command come first, those in between would have been decided otherwise
  - the two never met: try more cases, or let the generator make them meet
";
        assert_eq!(table.to_string(), expected);
        assert_eq!(
            table.cell("Deposit", "Deposited"),
            Cell::Depends { merged: 1, of: 3 }
        );
        assert_eq!(table.cell("Open", "Closed"), Cell::NeverMet);
    }

    #[test]
    fn an_event_among_others_counts_only_where_it_never_came_alone() {
        let table = report([
            met("Deposit", &["Closed", "Deposited"], Outcome::Refused),
            met("Deposit", &["Deposited"], Outcome::Merged),
        ]);
        assert_eq!(table.cell("Deposit", "Deposited"), Cell::Merges);
        assert_eq!(table.cell("Deposit", "Closed"), Cell::Conflicts);
    }

    #[test]
    #[should_panic(expected = "there is no command `Shut`")]
    fn a_cell_of_what_does_not_exist_is_a_mistake() {
        report([]).cell("Shut", "Opened");
    }
}
