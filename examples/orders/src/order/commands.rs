//! The commands that an order can be asked to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

use super::Address;
use super::events::two_weeks;

#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug)]
pub(crate) enum OrderCommand {
    /// Begins an order.
    Place {
        customer: String,
        address: Address,
        /// The time to pay; then the order is cancelled.
        #[serde(default = "two_weeks")]
        pay_within_seconds: u32,
    },
    AddItem {
        sku: String,
        quantity: u32,
        cents_each: u32,
    },
    /// Changes how many of an article are ordered.
    SetQuantity {
        /// An article of the order.
        sku: String,
        quantity: u32,
    },
    RemoveItem {
        sku: String,
    },
    ChangeAddress {
        address: Address,
    },
    AddNote {
        note: String,
    },
    Discount {
        cents: u32,
        reason: String,
    },
    Cancel {
        reason: String,
    },
    /// Unless it is paid by now.
    CancelUnpaid {
        reason: String,
    },
    Ship {
        carrier: String,
        tracking: String,
    },
}
