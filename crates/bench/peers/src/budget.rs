//! Checks what Seriatim must be beside the others: rows P1 to P4 of its performance budget.

use serde::{Deserialize, Serialize};

use crate::contender::Kind;
use crate::report::{Measured, figure, middle};

/// A line of the budget.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) workload: String,
    /// Seriatim's median.
    pub(crate) value: f64,
    pub(crate) unit: String,
    /// The contender that it is compared with, and the workload.
    pub(crate) against: String,
    pub(crate) against_value: f64,
    /// The median of the rounds' ratios.
    pub(crate) ratio: f64,
    /// The smallest and the largest ratio of a round.
    pub(crate) spread: (f64, f64),
    /// The least that the ratio must be.
    pub(crate) must: Option<f64>,
    pub(crate) met: Option<bool>,
}

/// A row that is to be made: Seriatim's figure of `workload` over the best median that those of `rivals` have in any
/// workload whose name begins with `among`.
struct Plan {
    id: &'static str,
    workload: &'static str,
    among: &'static str,
    rivals: fn(&Measured) -> bool,
    who: &'static str,
    must: Option<f64>,
}

const PLANS: [Plan; 10] = [
    plan("P1", "new-64", "new-", is_peer, "the best peer", Some(7.0)),
    plan("P1", "new-64", "new-", is_raw_insert, "the best", Some(2.5)),
    plan("P1", "new-64", "new-", is_raw_batch, "the limit", Some(0.5)),
    plan(
        "P2",
        "warm-64",
        "warm-",
        is_peer,
        "the best peer",
        Some(7.0),
    ),
    plan("P2", "warm-64", "warm-", is_raw_cycle, "the best", None),
    plan(
        "P3",
        "cold-64",
        "cold-",
        is_peer,
        "the best peer",
        Some(4.0),
    ),
    plan("P3", "cold-64", "cold-", is_raw_cycle, "the best", None),
    plan(
        "P4",
        "contended-1",
        "contended-1",
        is_peer,
        "the best peer",
        Some(150.0),
    ),
    plan(
        "P4",
        "contended-1",
        "contended-1",
        is_optimistic_peer,
        "the best peer without locks",
        Some(600.0),
    ),
    plan(
        "P4",
        "contended-1",
        "contended-1",
        is_raw_cycle,
        "the limit",
        None,
    ),
];

const fn plan(
    id: &'static str,
    workload: &'static str,
    among: &'static str,
    rivals: fn(&Measured) -> bool,
    who: &'static str,
    must: Option<f64>,
) -> Plan {
    Plan {
        id,
        workload,
        among,
        rivals,
        who,
        must,
    }
}

fn is_peer(line: &Measured) -> bool {
    line.kind == Kind::Peer
}

fn is_optimistic_peer(line: &Measured) -> bool {
    is_peer(line) && !line.contender.ends_with("locking")
}

fn is_raw_insert(line: &Measured) -> bool {
    line.contender == "raw insert"
}

fn is_raw_batch(line: &Measured) -> bool {
    line.contender == "raw batches of 100"
}

fn is_raw_cycle(line: &Measured) -> bool {
    line.contender == "raw select + insert"
}

/// The rows whose figures were measured.
pub(crate) fn rows(measured: &[Measured]) -> Vec<Row> {
    PLANS.iter().filter_map(|plan| plan.row(measured)).collect()
}

impl Plan {
    fn row(&self, measured: &[Measured]) -> Option<Row> {
        let ours = measured
            .iter()
            .find(|line| line.kind == Kind::Product && line.workload == self.workload)?;
        let rival = measured
            .iter()
            .filter(|line| self.is_among(line) && (self.rivals)(line))
            .filter(|line| line.rounds.len() == ours.rounds.len())
            .max_by(|a, b| {
                a.median()
                    .partial_cmp(&b.median())
                    .expect("figures are numbers")
            })?;
        let rounds = ours.rounds.iter().zip(&rival.rounds);
        let ratios: Vec<_> = rounds.map(|(a, b)| a.per_second / b.per_second).collect();
        let ratio = middle(ratios.iter().copied())?;
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(0.0, f64::max);
        Some(Row {
            id: self.id.into(),
            workload: ours.in_words.clone(),
            value: ours.median()?,
            unit: ours.unit.clone(),
            against: format!("{}: {}, {}", self.who, rival.contender, rival.in_words),
            against_value: rival.median()?,
            ratio,
            spread: (least, most),
            must: self.must,
            met: self.must.map(|must| ratio >= must),
        })
    }

    /// `contended-10` is not among `contended-1`.
    fn is_among(&self, line: &Measured) -> bool {
        match self.among.ends_with('-') {
            true => line.workload.starts_with(self.among),
            false => line.workload == self.among,
        }
    }
}

impl Row {
    /// For a table in Markdown.
    pub(crate) fn cells(&self) -> String {
        let (least, most) = self.spread;
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        format!(
            "{} | {} | {} | {} {} | {} ({} to {}) | {} | {met}",
            self.id,
            self.workload,
            figure(self.value),
            self.against,
            figure(self.against_value),
            figure(self.ratio),
            figure(least),
            figure(most),
            self.must
                .map_or_else(String::new, |must| format!(">= {must}")),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Figure;

    fn line(workload: &str, contender: &str, kind: Kind, rounds: [f64; 3]) -> Measured {
        Measured {
            workload: workload.into(),
            in_words: workload.into(),
            unit: "commands/s".into(),
            contender: contender.into(),
            kind,
            rounds: rounds
                .map(|per_second| Figure {
                    per_second,
                    count: 1,
                    p50_us: 1.0,
                    p99_us: 1.0,
                })
                .into(),
            failed: None,
        }
    }

    #[test]
    fn seriatim_is_compared_with_the_best_of_the_best_at_any_number_in_flight() {
        let measured = [
            line("new-64", "Seriatim", Kind::Product, [60.0, 70.0, 50.0]),
            line("new-64", "esrs", Kind::Peer, [6.0, 7.0, 5.0]),
            line("new-16", "esrs", Kind::Peer, [10.0, 7.0, 10.0]),
            line("new-16", "mire", Kind::Peer, [1.0, 100.0, 1.0]),
        ];
        let rows = rows(&measured);
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.value, row.against_value), (60.0, 10.0));
        assert_eq!((row.ratio, row.spread), (6.0, (5.0, 10.0)));
        assert_eq!(row.met, Some(true));
    }

    #[test]
    fn ten_streams_are_not_one() {
        let measured = [
            line("contended-1", "Seriatim", Kind::Product, [100.0; 3]),
            line("contended-10", "esrs", Kind::Peer, [50.0; 3]),
            line("contended-1", "esrs, locking", Kind::Peer, [10.0; 3]),
            line("contended-1", "esrs", Kind::Peer, [1.0; 3]),
        ];
        let rows = rows(&measured);
        let ratios: Vec<_> = rows.iter().map(|row| (row.ratio, row.met)).collect();
        assert_eq!(ratios, [(10.0, Some(false)), (100.0, None)]);
    }
}
