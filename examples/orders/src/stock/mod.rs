//! The aggregate that keeps how much there is of one article, and who has reserved how much of it.

mod decide;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

/// The names and fields are what is stored: change them with care.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub(crate) enum StockEvent {
    Counted {
        sku: String,
        quantity: u32,
    },
    /// The order has so many reserved in all.
    Reserved {
        order: Uuid,
        quantity: u32,
    },
    Released {
        order: Uuid,
    },
    /// The reserved quantity has left the shelf.
    PickedUp {
        order: Uuid,
        quantity: u32,
    },
}

#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub(crate) enum StockCommand {
    /// Counts what lies on the shelf, reserved or not.
    Count {
        sku: String,
        quantity: u32,
    },
    /// Reserves so many more.
    Reserve {
        sku: String,
        order: Uuid,
        quantity: u32,
    },
    /// Reserves so many in all.
    ReserveInAll {
        sku: String,
        order: Uuid,
        quantity: u32,
    },
    Release {
        order: Uuid,
    },
    PickUp {
        order: Uuid,
    },
}

#[derive(Rejection, thiserror::Error, Debug)]
pub(crate) enum StockRejection {
    #[error("only {free} are free")]
    OutOfStock { free: u32 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stock {
    pub(crate) sku: String,
    pub(crate) on_the_shelf: u32,
    pub(crate) reserved: BTreeMap<Uuid, u32>,
}

impl Stock {
    /// The root of an article's stream, made from its name.
    pub(crate) fn root(sku: &str) -> Uuid {
        const ARTICLES: Uuid = Uuid::from_u128(0x6d1f_3c5e_8a04_4b7e_9f6a_2c1d_55d2_7e90);
        Uuid::new_v5(&ARTICLES, sku.as_bytes())
    }

    /// Returns how many nobody has reserved.
    fn free(&self) -> u32 {
        let reserved = self.reserved.values().copied();
        self.on_the_shelf
            .saturating_sub(reserved.fold(0, u32::saturating_add))
    }
}

impl Aggregate for Stock {
    const DOMAIN: &'static str = "stock";
    type Command = StockCommand;
    type Event = StockEvent;
    type Rejection = StockRejection;

    fn decide(&self, command: &StockCommand) -> Result<Vec<StockEvent>, StockRejection> {
        decide::decide(self, command)
    }

    fn evolve(&mut self, event: &StockEvent) {
        match event.clone() {
            StockEvent::Counted { sku, quantity } => {
                self.sku = sku;
                self.on_the_shelf = quantity;
            }
            StockEvent::Reserved { order, quantity } => {
                self.reserved.insert(order, quantity);
            }
            StockEvent::Released { order } => {
                self.reserved.remove(&order);
            }
            StockEvent::PickedUp { order, quantity } => {
                self.reserved.remove(&order);
                self.on_the_shelf = self.on_the_shelf.saturating_sub(quantity);
            }
        }
    }
}
