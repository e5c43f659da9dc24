//! What the benchmarks say: a table for people, a file for programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::Outcome;
use crate::measure::{Comparison, median, spread};

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// The row of the budget table: `P4`.
    pub(crate) id: &'static str,
    /// What was done.
    pub(crate) workload: String,
    /// The product's figure: the median of the rounds.
    pub(crate) value: f64,
    /// Of what.
    pub(crate) unit: &'static str,
    /// The limit's figure, measured in the same rounds.
    pub(crate) against: Option<f64>,
    /// What the limit is.
    pub(crate) limit: Option<String>,
    /// The median of the rounds' ratios, figure to limit.
    pub(crate) ratio: Option<f64>,
    /// The smallest and the largest ratio of a round; of a row without limit: the figure.
    pub(crate) spread: (f64, f64),
    /// What the ratio must be, in words: `>= 0.5`.
    pub(crate) must: Option<String>,
    /// Whether it is.
    pub(crate) met: Option<bool>,
}

/// What a ratio must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Must {
    AtLeast(f64),
    AtMost(f64),
    /// Measured to know, not to pass.
    Nothing,
}

impl Must {
    fn met(self, ratio: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(ratio >= least),
            Self::AtMost(most) => Some(ratio <= most),
            Self::Nothing => None,
        }
    }

    fn in_words(self) -> Option<String> {
        match self {
            Self::AtLeast(least) => Some(format!(">= {least}")),
            Self::AtMost(most) => Some(format!("<= {most}")),
            Self::Nothing => None,
        }
    }
}

impl Row {
    /// The line for a comparison.
    pub(crate) fn compared(
        id: &'static str,
        workload: impl Into<String>,
        unit: &'static str,
        limit: impl Into<String>,
        must: Must,
        comparison: &Comparison,
    ) -> Self {
        let ratios = comparison.ratios();
        let ratio = median(&ratios);
        Self {
            id,
            workload: workload.into(),
            value: median(&comparison.value),
            unit,
            against: Some(median(&comparison.against)),
            limit: Some(limit.into()),
            ratio: Some(ratio),
            spread: spread(&ratios),
            must: must.in_words(),
            met: must.met(ratio),
        }
    }

    /// The line for a figure that has no limit.
    pub(crate) fn alone(
        id: &'static str,
        workload: impl Into<String>,
        unit: &'static str,
        value: f64,
    ) -> Self {
        Self {
            id,
            workload: workload.into(),
            value,
            unit,
            against: None,
            limit: None,
            ratio: None,
            spread: (value, value),
            must: None,
            met: None,
        }
    }
}

/// All that was measured in one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    commit: String,
    /// How many threads wanted to run in the minute before, by this system's own count.
    load: Option<f64>,
    quick: bool,
    rounds: usize,
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(quick: bool, rounds: usize, load: Option<f64>, rows: Vec<Row>) -> Self {
        Self {
            machine: machine(),
            commit: commit(),
            load,
            quick,
            rounds,
            rows,
        }
    }

    pub(crate) fn to_json(&self) -> Outcome<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Outcome<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, self.to_json()? + "\n")?)
    }

    /// The table, one row a line, columns aligned.
    pub(crate) fn to_table(&self) -> String {
        let mut lines = vec![
            [
                "", "workload", "figure", "limit", "ratio", "must", "met", "spread",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        lines.extend(self.rows.iter().map(cells));
        let limits = self.rows.iter().filter_map(|row| {
            let limit = row.limit.as_ref()?;
            Some(format!("  {} {}: against {limit}\n", row.id, row.workload))
        });
        format!("{}\n{}", align(&lines), limits.collect::<String>())
    }
}

fn cells(row: &Row) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let (low, high) = row.spread;
    vec![
        row.id.into(),
        row.workload.clone(),
        format!("{} {}", figure(row.value), row.unit),
        or_dash(row.against.map(figure)),
        or_dash(row.ratio.map(figure)),
        or_dash(row.must.clone()),
        or_dash(row.met.map(|met| if met { "yes" } else { "NO" }.into())),
        format!("{}..{}", figure(low), figure(high)),
    ]
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

/// The load of the last minute, where the system tells.
pub(crate) fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// How many threads can run at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn machine() -> String {
    let cores = cores();
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let processor = processor.unwrap_or_else(|| std::env::consts::ARCH.into());
    format!("{cores} x {processor}, {}", std::env::consts::OS)
}

fn commit() -> String {
    let output = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(must: Must) -> Row {
        let comparison = Comparison {
            value: vec![40_000.0, 30_000.0, 50_000.0],
            against: vec![50_000.0, 60_000.0, 50_000.0],
        };
        Row::compared(
            "P7",
            "new streams",
            "commands/s",
            "inserts",
            must,
            &comparison,
        )
    }

    #[test]
    fn a_row_is_met_by_its_median_ratio() {
        let row = row(Must::AtLeast(0.8));
        assert_eq!(
            (row.value, row.ratio, row.met),
            (40_000.0, Some(0.8), Some(true))
        );
        assert_eq!(row.spread, (0.5, 1.0));
        assert_eq!(self::row(Must::AtMost(0.7)).met, Some(false));
        assert_eq!(self::row(Must::Nothing).met, None);
    }

    #[test]
    fn the_table_shows_what_is_not_met() {
        let table = Report::new(true, 3, None, vec![row(Must::AtLeast(0.9))]).to_table();
        assert!(
            table.contains("40,000 commands/s  50,000  0.80   >= 0.9  NO   0.50..1.00"),
            "{table}"
        );
    }
}
