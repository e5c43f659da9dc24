//! Measuring several things in turn, so that what else the machine does falls on all of them.

use crate::Outcome;

/// One of the things that are measured: each call is a measurement of its own and gives its figure, or several.
pub type Contender<'a, T = f64> = dyn FnMut() -> Outcome<T> + 'a;

/// The figures that one contender gave, round by round.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures(pub Vec<f64>);

/// Runs every contender once a round. The next round begins with the next one, so that each is first, second ... as
/// often.
pub fn in_turn<const N: usize>(
    rounds: usize,
    mut contenders: [&mut Contender<'_>; N],
) -> Outcome<[Figures; N]> {
    let figures = all_in_turn(rounds, &mut contenders)?;
    let figures: Vec<_> = figures.into_iter().map(Figures).collect();
    Ok(figures.try_into().expect("as many as there are contenders"))
}

/// [`in_turn`] for as many as there happen to be, and for any kind of figures.
pub fn all_in_turn<T>(
    rounds: usize,
    contenders: &mut [&mut Contender<'_, T>],
) -> Outcome<Vec<Vec<T>>> {
    let mut figures: Vec<_> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        eprint!(" {}", round + 1);
        for turn in 0..contenders.len() {
            let contender = (round + turn) % contenders.len();
            figures[contender].push(contenders[contender]()?);
        }
    }
    eprintln!();
    Ok(figures)
}

impl Figures {
    /// The middle one.
    pub fn median(&self) -> f64 {
        median(&self.0)
    }

    /// The smallest and the largest.
    pub fn spread(&self) -> (f64, f64) {
        (percentile(&self.0, 0), percentile(&self.0, 100))
    }

    /// These divided by others, round by round.
    #[must_use]
    pub fn over(&self, others: &Self) -> Self {
        let pairs = self.0.iter().zip(&others.0);
        Self(pairs.map(|(one, other)| one / other).collect())
    }
}

/// The middle one.
pub fn median(figures: &[f64]) -> f64 {
    percentile(figures, 50)
}

/// The smallest figure that at least `percent` of them do not pass.
pub fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_figures_that_occurred() {
        let figures = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(median(&figures), 3.0);
        assert_eq!(percentile(&figures, 99), 5.0);
        assert_eq!(Figures(figures.to_vec()).spread(), (1.0, 5.0));
        assert_eq!(median(&[7.0]), 7.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn everybody_is_first_in_turn() {
        let order = std::cell::RefCell::new(String::new());
        let note = |who: char| {
            order.borrow_mut().push(who);
            Ok(f64::from(u32::from(who)))
        };
        let [a, b, _] =
            in_turn(4, [&mut || note('a'), &mut || note('b'), &mut || note('c')]).unwrap();
        assert_eq!(*order.borrow(), "abcbcacababc");
        assert_eq!((a.median(), b.median()), (97.0, 98.0));
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let ratios = Figures(vec![2.0, 9.0]).over(&Figures(vec![1.0, 3.0]));
        assert_eq!(ratios, Figures(vec![2.0, 3.0]));
    }
}
