//! Measuring two things in turn, so that what else the machine does falls on both.

use crate::Outcome;

/// What two workloads gave, round by round.
pub(crate) struct Comparison {
    /// Of each round, in order.
    pub(crate) value: Vec<f64>,
    /// Of each round, in order.
    pub(crate) against: Vec<f64>,
}

/// Runs `limit` and `product` once each a round. Who goes first alternates.
pub(crate) fn in_turn(
    rounds: usize,
    mut limit: impl FnMut() -> Outcome<f64>,
    mut product: impl FnMut() -> Outcome<f64>,
) -> Outcome<Comparison> {
    let mut comparison = Comparison {
        value: Vec::new(),
        against: Vec::new(),
    };
    for round in 0..rounds {
        eprint!(" {}", round + 1);
        if round % 2 == 0 {
            comparison.against.push(limit()?);
            comparison.value.push(product()?);
        } else {
            comparison.value.push(product()?);
            comparison.against.push(limit()?);
        }
    }
    eprintln!();
    Ok(comparison)
}

impl Comparison {
    /// The product's figure over the limit's, round by round.
    pub(crate) fn ratios(&self) -> Vec<f64> {
        let pairs = self.value.iter().zip(&self.against);
        pairs.map(|(value, against)| value / against).collect()
    }
}

/// The middle one.
pub(crate) fn median(figures: &[f64]) -> f64 {
    percentile(figures, 50)
}

/// The smallest figure that at least `percent` of them do not pass.
pub(crate) fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// The smallest and the largest.
pub(crate) fn spread(figures: &[f64]) -> (f64, f64) {
    (percentile(figures, 0), percentile(figures, 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_figures_that_occurred() {
        let figures = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(median(&figures), 3.0);
        assert_eq!(percentile(&figures, 99), 5.0);
        assert_eq!(spread(&figures), (1.0, 5.0));
        assert_eq!(median(&[7.0]), 7.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn limit_and_product_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let note = |who| {
            order.borrow_mut().push(who);
            Ok(f64::from(u32::from(who)))
        };
        let comparison = in_turn(3, || note('l'), || note('p')).unwrap();
        assert_eq!(*order.borrow(), "lppllp");
        assert_eq!(comparison.ratios().len(), 3);
    }
}
