//! What is known of an order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Address;

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) status: Status,
    pub(crate) customer: String,
    pub(crate) address: Option<Address>,
    pub(crate) items: BTreeMap<String, Item>,
    /// A set: in which order notes were added carries no meaning, so two people may add some at once.
    pub(crate) notes: BTreeSet<String>,
    pub(crate) discount_cents: i64,
    pub(crate) paid_cents: i64,
    pub(crate) refund_due_cents: i64,
    pub(crate) paid_in_full: bool,
    pub(crate) tracking: Option<String>,
    /// What the carrier said, oldest first.
    pub(crate) delivery: Vec<String>,
}

#[derive(Default, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Status {
    #[default]
    New,
    Placed,
    Shipped,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) quantity: u32,
    pub(crate) cents_each: u32,
}

impl Order {
    /// What is still to be paid; negative: too much was paid.
    pub(crate) fn open_cents(&self) -> i64 {
        let cents = |item: &Item| i64::from(item.quantity) * i64::from(item.cents_each);
        self.items.values().map(cents).sum::<i64>() - self.discount_cents - self.paid_cents
    }

    pub(super) fn articles(&self) -> Vec<String> {
        self.items.keys().cloned().collect()
    }
}
