//! Reports what the benchmarks found: a table for people, a file for programs.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::Outcome;
use crate::cost::Cost;
use crate::machine;
use crate::row::Row;

/// All that was measured in one run.
#[derive(Debug, Serialize)]
pub struct Report {
    machine: String,
    /// The server and its settings, if one was measured.
    postgres: Option<String>,
    commit: String,
    /// The number of threads that wanted to run in the minute before, by this system's own count.
    load: Option<f64>,
    quick: bool,
    rounds: usize,
    rows: Vec<Row>,
}

impl Report {
    /// Begins a report. Must be called before anything is measured, because measuring is load in itself.
    pub fn begin(quick: bool, rounds: usize, postgres: Option<String>) -> Self {
        Self {
            machine: machine::machine(),
            postgres,
            commit: machine::commit(),
            load: machine::load(),
            quick,
            rounds,
            rows: Vec::new(),
        }
    }

    /// Adds what was measured.
    pub fn add(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
    }

    /// Returns what makes the figures doubtful, if anything does.
    pub fn warning(&self) -> Option<String> {
        let load = self.load?;
        (load > machine::cores() as f64 / 2.0).then(|| {
            format!(
                "this machine is busy (load {load}): the product, which uses all cores, will look worse than it is"
            )
        })
    }

    /// For programs.
    pub fn to_json(&self) -> Outcome<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Writes it as JSON.
    pub fn write(&self, path: &Path) -> Outcome<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, self.to_json()? + "\n")?)
    }

    /// The table, one row a line, columns aligned.
    pub fn to_table(&self) -> String {
        let mut lines = vec![
            [
                "",
                "on",
                "workload",
                "figure",
                "limit",
                "ratio",
                "must",
                "met",
                "spread",
                "against",
                "a command",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        lines.extend(self.rows.iter().map(cells));
        align(&lines)
    }
}

fn cells(row: &Row) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let (low, high) = row.ratio_spread.unwrap_or(row.spread);
    vec![
        row.id.into(),
        or_dash(row.store.map(str::to_owned)),
        row.workload.clone(),
        format!("{} {}", figure(row.value), row.unit),
        or_dash(row.against.map(figure)),
        or_dash(row.ratio.map(figure)),
        or_dash(row.must.clone()),
        or_dash(row.met.map(|met| if met { "yes" } else { "NO" }.into())),
        format!("{}..{}", figure(low), figure(high)),
        row.limit.clone().unwrap_or_default(),
        row.cost.as_ref().map(in_words).unwrap_or_default(),
    ]
}

fn in_words(cost: &Cost) -> String {
    let commit = cost.commands_per_commit;
    let commit = commit.map(|commands| format!("{} a commit, ", figure(commands)));
    format!(
        "{}{} us, {} switches; {} cores, others {}",
        commit.unwrap_or_default(),
        figure(cost.cpu_micros),
        figure(cost.switches),
        figure(cost.cores),
        figure(cost.cores_of_others)
    )
}

fn align(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<_> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths);
        let text: Vec<_> = padded
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

/// With as many digits as mean something.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => group_thousands(value),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn group_thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Figures;
    use crate::row::Must;

    #[test]
    fn the_table_shows_what_is_not_met() {
        let ours = Figures(vec![40_000.0, 30_000.0, 50_000.0]);
        let limit = Figures(vec![50_000.0, 60_000.0, 50_000.0]);
        let row = Row::compared("P7", "new streams", "commands/s", &ours, "inserts", &limit);
        let mut report = Report::begin(true, 3, None);
        report.add([row.must(Must::AtLeast(0.9))]);
        let table = report.to_table();
        assert!(
            table.contains("40,000 commands/s  50,000  0.80   >= 0.9  NO   0.50..1.00  inserts"),
            "{table}"
        );
    }
}
