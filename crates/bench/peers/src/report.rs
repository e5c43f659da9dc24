//! Reports what a run found: a table for people, a file for programs and for the chart.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use seriatim_bench::machine;

use crate::budget::{self, Row};
use crate::contender::Kind;
use crate::window::Figure;
use crate::{Args, Outcome};

/// All that was found in one run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) commit: String,
    /// The day it was run on, as `2026-11-21`.
    pub(crate) date: String,
    /// The load of the minute before, where the system tells.
    pub(crate) load: Option<f64>,
    /// The server's version and the settings that matter.
    pub(crate) postgres: String,
    pub(crate) quick: bool,
    pub(crate) contenders: Vec<About>,
    pub(crate) measured: Vec<Measured>,
    pub(crate) rows: Vec<Row>,
}

/// A contender that took part, and how it did.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) contender: String,
    pub(crate) kind: Kind,
    pub(crate) about: String,
}

/// The figures of a contender for a workload, round by round.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) workload: String,
    pub(crate) in_words: String,
    pub(crate) unit: String,
    pub(crate) contender: String,
    pub(crate) kind: Kind,
    pub(crate) rounds: Vec<Figure>,
    /// The reason why a round has no figure.
    pub(crate) failed: Option<String>,
}

impl Measured {
    /// The middle one of the rounds, if there was any.
    pub(crate) fn median(&self) -> Option<f64> {
        middle(self.rounds.iter().map(|figure| figure.per_second))
    }

    pub(crate) fn spread(&self) -> Option<(f64, f64)> {
        let mut sorted: Vec<_> = self.rounds.iter().map(|figure| figure.per_second).collect();
        sorted.sort_by(f64::total_cmp);
        Some((*sorted.first()?, *sorted.last()?))
    }
}

/// The lower one of the middle, so that it is a figure that occurred.
pub(crate) fn middle(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<_> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get(last / 2).copied()
}

impl Report {
    pub(crate) fn new(
        args: &Args,
        postgres: String,
        contenders: Vec<About>,
        measured: Vec<Measured>,
    ) -> Outcome<Self> {
        Ok(Self {
            machine: machine::machine(),
            commit: machine::commit(),
            date: today()?,
            load: args.load_before,
            postgres,
            quick: args.quick,
            contenders,
            rows: budget::rows(&measured),
            measured,
        })
    }

    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path).map_err(|error| {
            format!(
                "{} cannot be read ({error}); run `cargo xtask bench peers` first",
                path.display()
            )
        })?;
        Ok(serde_json::from_str(&text)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Outcome<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, self.to_json()? + "\n")?)
    }

    pub(crate) fn to_json(&self) -> Outcome<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Markdown, so that it can go into a document as it is.
    pub(crate) fn to_table(&self) -> String {
        let mut text = format!(
            "{}; {}; commit {}; {}\n\n",
            self.machine, self.date, self.commit, self.postgres
        );
        for about in &self.contenders {
            let _ = writeln!(text, "- {}: {}", about.contender, about.about);
        }
        text.push_str("\n| workload | contender | median | min to max | p50 | p99 |\n");
        text.push_str("| --- | --- | ---: | ---: | ---: | ---: |\n");
        let mut before = "";
        for line in &self.measured {
            let workload = match line.in_words == before {
                true => String::new(),
                false => format!("{}, {}", line.in_words, line.unit),
            };
            before = &line.in_words;
            let _ = writeln!(text, "| {workload} | {} |", cells(line));
        }
        text.push_str("\n| row | what | figure | against | ratio | must | met |\n");
        text.push_str("| --- | --- | ---: | --- | ---: | ---: | --- |\n");
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.cells());
        }
        text
    }
}

fn cells(line: &Measured) -> String {
    let (Some(median), Some((least, most))) = (line.median(), line.spread()) else {
        let why = line.failed.as_deref().unwrap_or("not measured");
        return format!("{} | {why} | | |", line.contender);
    };
    let middle_of = |part: fn(&Figure) -> f64| middle(line.rounds.iter().map(part));
    let latency = |micros: Option<f64>| micros.map_or_else(String::new, milliseconds);
    let failed = match line.failed {
        Some(_) => " (a round failed)",
        None => "",
    };
    format!(
        "{}{failed} | {} | {} to {} | {} | {}",
        line.contender,
        figure(median),
        figure(least),
        figure(most),
        latency(middle_of(|figure| figure.p50_us)),
        latency(middle_of(|figure| figure.p99_us)),
    )
}

fn milliseconds(micros: f64) -> String {
    match micros {
        ..9_950.0 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.0} ms", micros / 1e3),
    }
}

/// With as many digits as mean something: three.
pub(crate) fn figure(value: f64) -> String {
    if value < 9.995 {
        return format!("{value:.2}");
    }
    if value < 99.95 {
        return format!("{value:.1}");
    }
    let unit = 10f64.powf(value.log10().floor() - 2.0);
    let digits = format!("{:.0}", (value / unit).round() * unit);
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// By the calendar, in UTC.
fn today() -> Outcome<String> {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed()?;
    Ok(civil(since.as_secs() / 86_400))
}

/// The date of a day since 1970, year by year and month by month.
fn civil(mut day: u64) -> String {
    let mut year = 1970;
    loop {
        let days = if is_leap(year) { 366 } else { 365 };
        if day < days {
            break;
        }
        day -= days;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", day + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_that_mean_something() {
        let figures = [130.4, 17_349.0, 99_960.0, 4.024, 42.18, 999.7].map(figure);
        assert_eq!(
            figures,
            ["130", "17,300", "100,000", "4.02", "42.2", "1,000"]
        );
    }

    #[test]
    fn days_have_dates() {
        assert_eq!(civil(0), "1970-01-01");
        assert_eq!(civil(11_016), "2000-02-29");
        assert_eq!(civil(20_778), "2026-11-21");
    }

    #[test]
    fn the_middle_is_a_figure_that_occurred() {
        assert_eq!(middle([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(middle([4.0, 1.0].into_iter()), Some(1.0));
        assert_eq!(middle([].into_iter()), None);
    }
}
