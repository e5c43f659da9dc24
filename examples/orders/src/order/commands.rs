//! What an order can be asked to do.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

use super::Address;

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum OrderCommand {
    Place {
        customer: String,
        address: Address,
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
    Ship {
        carrier: String,
        tracking: String,
    },
}
