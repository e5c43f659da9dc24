//! Orders that reserve stock: an aggregate that asks, one that may say no, and the saga between them.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum OrderEvent {
    Placed { sku: Uuid, count: u32 },
    Paid { sku: Uuid },
    Declined { why: String },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum OrderCommand {
    Place { sku: Uuid, count: u32 },
    Pay { sku: Uuid },
}

/// A customer's orders.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) declined: Vec<String>,
}

impl Aggregate for Order {
    const DOMAIN: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Rejection = Never;

    fn decide(&self, command: &OrderCommand) -> Result<Vec<OrderEvent>, Never> {
        Ok(match *command {
            OrderCommand::Place { sku, count } => vec![OrderEvent::Placed { sku, count }],
            OrderCommand::Pay { sku } => vec![OrderEvent::Paid { sku }],
        })
    }

    fn evolve(&mut self, event: &OrderEvent) {
        if let OrderEvent::Declined { why } = event {
            self.declined.push(why.clone());
        }
    }

    fn on_rejected(&self, effect: &RejectedEffect) -> Vec<OrderEvent> {
        let why = format!("{}: {}", effect.effect.ordinal, effect.rejected.message);
        vec![OrderEvent::Declined { why }]
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum StockEvent {
    Filled { count: u32 },
    Reserved { count: u32 },
    PaidFor,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum StockCommand {
    Fill { count: u32 },
    Reserve { count: u32 },
}

#[derive(Rejection, Debug)]
pub(crate) enum StockRejection {
    TooFew { left: u32 },
}

impl std::fmt::Display for StockRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::TooFew { left } = self;
        write!(f, "only {left} are left")
    }
}

impl std::error::Error for StockRejection {}

/// The quantity of one thing that is left, and the quantity that is reserved.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stock {
    pub(crate) left: u32,
    pub(crate) reserved: u32,
}

impl Aggregate for Stock {
    const DOMAIN: &'static str = "stock";
    type Command = StockCommand;
    type Event = StockEvent;
    type Rejection = StockRejection;

    fn decide(&self, command: &StockCommand) -> Result<Vec<StockEvent>, StockRejection> {
        Ok(vec![match *command {
            StockCommand::Fill { count } => StockEvent::Filled { count },
            StockCommand::Reserve { count } if count > self.left => {
                return Err(StockRejection::TooFew { left: self.left });
            }
            StockCommand::Reserve { count } => StockEvent::Reserved { count },
        }])
    }

    fn evolve(&mut self, event: &StockEvent) {
        match event {
            StockEvent::Filled { count } => self.left += count,
            StockEvent::Reserved { count } => {
                self.left -= count;
                self.reserved += count;
            }
            StockEvent::PaidFor => {}
        }
    }
}

/// Reserves what is ordered, in two commands: one for the first piece, one for the others.
pub(crate) struct Reserving;

impl Saga for Reserving {
    const NAME: &'static str = "reserving";
    type Source = Order;

    fn react(&self, event: &OrderEvent, _: &RecordedEvent, effects: &mut Effects) {
        match *event {
            OrderEvent::Placed { sku, count } => {
                assert_ne!(count, 13, "unlucky");
                effects.send::<Stock>(sku, &StockCommand::Reserve { count: 1 });
                let others = StockCommand::Reserve { count: count - 1 };
                effects.send::<Stock>(sku, &others);
            }
            OrderEvent::Paid { sku } => {
                let fact = effects.record::<Stock>(sku, &StockEvent::PaidFor);
                fact.description("the money is there");
            }
            OrderEvent::Declined { .. } => {}
        }
    }
}

/// Reserves one more of everything that is ordered, as a present.
pub(crate) struct Giving;

impl Saga for Giving {
    const NAME: &'static str = "giving";
    type Source = Order;

    fn react(&self, event: &OrderEvent, _: &RecordedEvent, effects: &mut Effects) {
        if let OrderEvent::Placed { sku, .. } = *event {
            effects.send::<Stock>(sku, &StockCommand::Reserve { count: 1 });
        }
    }
}
