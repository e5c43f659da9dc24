//! One call of a store that is broken off, named by what it does and how often that was done before.

use std::collections::BTreeMap;

/// How a call is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// It fails, and nothing was done.
    Refused,
    /// It fails, and what it was asked for was done.
    AnswerLost,
    /// It never comes back, and nothing was done: until the one who waits for it is dropped, as by the death of its
    /// process.
    DiesBefore,
    /// It never comes back, and what it was asked for was done.
    DiesAfter,
}

impl Interruption {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::Refused,
        Self::AnswerLost,
        Self::DiesBefore,
        Self::DiesAfter,
    ];
}

/// How often what was done, and which of it is to be interrupted.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    made: BTreeMap<&'static str, usize>,
    planned: Option<(&'static str, usize, Interruption)>,
    reached: bool,
}

impl Calls {
    pub(crate) fn plan(&mut self, action: &'static str, nth: usize, how: Interruption) {
        *self = Self {
            planned: Some((action, nth, how)),
            ..Self::default()
        };
    }

    /// Counts a call, and says how it is to be broken off.
    pub(crate) fn count(&mut self, action: &'static str) -> Option<Interruption> {
        let made = self.made.entry(action).or_default();
        *made += 1;
        let (planned, nth, how) = self.planned?;
        let is_it = planned == action && nth == *made;
        self.reached |= is_it;
        is_it.then_some(how)
    }

    pub(crate) fn made(&self) -> BTreeMap<&'static str, usize> {
        self.made.clone()
    }

    pub(crate) fn reached(&self) -> bool {
        self.reached
    }
}
