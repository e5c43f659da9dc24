//! The events of an order. The names and fields are what is stored: change them with care.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub(crate) enum OrderEvent {
    Placed {
        customer: String,
        address: Address,
        #[serde(default = "two_weeks")]
        pay_within_seconds: u32,
    },
    ItemAdded {
        sku: String,
        quantity: u32,
        cents_each: u32,
    },
    QuantitySet {
        sku: String,
        quantity: u32,
    },
    ItemRemoved {
        sku: String,
    },
    AddressChanged {
        address: Address,
    },
    NoteAdded {
        note: String,
    },
    Discounted {
        cents: u32,
        reason: String,
    },
    Cancelled {
        reason: String,
        /// The articles that were ordered by then, for those who do not keep count.
        #[serde(default)]
        articles: Vec<String>,
    },
    Shipped {
        carrier: String,
        tracking: String,
        #[serde(default)]
        articles: Vec<String>,
    },
    /// A fact: the payment provider has the money.
    PaymentConfirmed {
        payment: String,
        cents: u32,
    },
    /// Follows from a payment.
    PaidInFull,
    /// Follows from a payment for an order that was cancelled.
    RefundDue {
        cents: u32,
    },
    /// The stock could not reserve it: it is not part of the order any more.
    ItemUnavailable {
        sku: String,
    },
    /// A fact: the carrier tells where the parcel is.
    DeliveryUpdated {
        status: String,
        place: String,
    },
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub(crate) struct Address {
    pub(crate) street: String,
    pub(crate) zip: String,
    pub(crate) city: String,
}

/// Returns how long an order may wait for its payment if nobody says otherwise, in seconds.
pub(super) fn two_weeks() -> u32 {
    14 * 24 * 3600
}
