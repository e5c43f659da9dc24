//! An interruption of one call of a store, which is identified by its action and by how often the action was done
//! before.

use std::collections::BTreeMap;

/// The way in which a call is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// It fails, and nothing was done.
    Refused,
    /// It fails, but it was done.
    AnswerLost,
    /// It never returns, and nothing was done. It ends when the caller drops it, as when the caller's process dies.
    DiesBefore,
    /// It never returns, but it was done.
    DiesAfter,
}

impl Interruption {
    /// All kinds of interruption.
    pub const ALL: [Self; 4] = [
        Self::Refused,
        Self::AnswerLost,
        Self::DiesBefore,
        Self::DiesAfter,
    ];
}

/// The number of times that each action was done, and the call that will be interrupted.
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

    /// Counts a call, and returns how it is to be interrupted.
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
