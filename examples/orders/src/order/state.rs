//! The state of an order: what is known of it.

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
    /// The reports of the carrier, oldest first.
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
    /// Returns what all items cost, or `None` if that is more than can be counted, which no command leads to.
    pub(crate) fn sum(&self) -> Option<i64> {
        let cents = |item: &Item| i64::from(item.quantity).checked_mul(item.cents_each.into());
        let mut items = self.items.values();
        items.try_fold(0, |sum: i64, item| sum.checked_add(cents(item)?))
    }

    /// Returns what is still to be paid. It is negative if too much was paid.
    pub(crate) fn open_cents(&self) -> i64 {
        let sum = self.sum().unwrap_or(i64::MAX);
        sum.saturating_sub(self.discount_cents)
            .saturating_sub(self.paid_cents)
    }

    pub(super) fn articles(&self) -> Vec<String> {
        self.items.keys().cloned().collect()
    }
}
