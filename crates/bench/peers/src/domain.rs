//! The aggregate that every contender has: a running total, with an event of 200 bytes in JSON.

use serde::{Deserialize, Serialize};

/// An entry was made. The contenders store it as JSON, with what each of them puts around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entered {
    pub(crate) amount: u64,
    pub(crate) text: String,
}

impl Entered {
    /// Returns the event that every command leads to.
    pub(crate) fn sample() -> Self {
        Self {
            amount: 50,
            text: "x".repeat(177),
        }
    }
}

/// A running total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    pub(crate) total: u64,
    pub(crate) entries: u64,
}

impl Ledger {
    pub(crate) fn enter(&mut self, entered: &Entered) {
        self.total += entered.amount;
        self.entries += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_200_bytes() {
        let json = serde_json::to_vec(&Entered::sample()).unwrap();
        assert_eq!(json.len(), 200);
    }
}
