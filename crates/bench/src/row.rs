//! One line of the report: a figure, the limit beside it, and what their ratio must be.

use serde::Serialize;

use crate::cost::Cost;
use crate::measure::Figures;

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The row of the budget table: `P4`.
    pub id: &'static str,
    /// The store, if that matters.
    pub store: Option<&'static str>,
    /// The work that was done.
    pub workload: String,
    /// The product's figure: the median of the rounds.
    pub value: f64,
    /// The unit of the figure.
    pub unit: &'static str,
    /// The smallest and the largest figure of a round.
    pub spread: (f64, f64),
    /// The limit's figure, measured in the same rounds.
    pub against: Option<f64>,
    /// The limit, in words.
    pub limit: Option<String>,
    /// The median of the rounds' ratios, figure to limit.
    pub ratio: Option<f64>,
    /// The smallest and the largest ratio of a round.
    pub ratio_spread: Option<(f64, f64)>,
    /// The condition that the ratio must meet, in words: `>= 0.5`.
    pub must: Option<String>,
    /// `true` if the ratio meets it.
    pub met: Option<bool>,
    /// What a command cost, where that was counted: the medians of the rounds.
    pub cost: Option<Cost>,
}

/// The condition that a ratio must meet.
#[derive(Clone, Copy, Debug)]
pub enum Must {
    /// More is better.
    AtLeast(f64),
    /// Less is better.
    AtMost(f64),
}

impl Must {
    fn met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }

    fn in_words(self) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {least}"),
            Self::AtMost(most) => format!("<= {most}"),
        }
    }
}

impl Row {
    /// The line for figures that have no limit.
    pub fn of(
        id: &'static str,
        workload: impl Into<String>,
        unit: &'static str,
        figures: &Figures,
    ) -> Self {
        Self {
            id,
            store: None,
            workload: workload.into(),
            value: figures.median(),
            unit,
            spread: figures.spread(),
            against: None,
            limit: None,
            ratio: None,
            ratio_spread: None,
            must: None,
            met: None,
            cost: None,
        }
    }

    /// The line for figures that are compared with those of `limit`, measured to know, not to pass.
    pub fn compared(
        id: &'static str,
        workload: impl Into<String>,
        unit: &'static str,
        figures: &Figures,
        limit: impl Into<String>,
        against: &Figures,
    ) -> Self {
        let ratios = figures.over(against);
        Self {
            against: Some(against.median()),
            limit: Some(limit.into()),
            ratio: Some(ratios.median()),
            ratio_spread: Some(ratios.spread()),
            ..Self::of(id, workload, unit, figures)
        }
    }

    /// The same, with what a command cost.
    #[must_use]
    pub fn costing(self, rounds: &[Cost]) -> Self {
        Self {
            cost: Some(Cost::median(rounds)),
            ..self
        }
    }

    /// The same, to pass.
    #[must_use]
    pub fn must(mut self, must: Must) -> Self {
        self.must = Some(must.in_words());
        self.met = self.ratio.map(|ratio| must.met(ratio));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_met_by_its_median_ratio() {
        let ours = Figures(vec![40_000.0, 30_000.0, 50_000.0]);
        let limit = Figures(vec![50_000.0, 60_000.0, 50_000.0]);
        let row = Row::compared("P7", "new streams", "commands/s", &ours, "inserts", &limit);
        assert_eq!((row.value, row.ratio, row.met), (40_000.0, Some(0.8), None));
        assert_eq!(row.ratio_spread, Some((0.5, 1.0)));
        assert_eq!(row.clone().must(Must::AtLeast(0.8)).met, Some(true));
        assert_eq!(row.must(Must::AtMost(0.7)).met, Some(false));
    }
}
