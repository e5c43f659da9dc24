//! The commands that an order can be asked to do.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

use super::Address;
use super::events::two_weeks;

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum OrderCommand {
    Place {
        customer: String,
        address: Address,
        #[serde(default = "two_weeks")]
        pay_within_seconds: u32,
    },
    AddItem {
        sku: String,
        quantity: u32,
        cents_each: u32,
    },
    SetQuantity {
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
