//! Orders and a stock, which can say no.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum OrderEvent {
    Placed { stock: Uuid, pay_within_ms: u64 },
    Paid,
    Shipped,
    Cancelled { why: String },
    Quiet,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum OrderCommand {
    Place { stock: Uuid, pay_within_ms: u64 },
    Pay,
    Ship,
    Cancel { why: String },
}

#[derive(Rejection, Debug)]
pub(crate) enum OrderRejection {
    AlreadyPaid,
    Closed,
}

impl std::fmt::Display for OrderRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for OrderRejection {}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    paid: bool,
    closed: bool,
}

impl Aggregate for Order {
    const DOMAIN: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Rejection = OrderRejection;

    fn decide(&self, command: &OrderCommand) -> Result<Vec<OrderEvent>, OrderRejection> {
        let event = match command.clone() {
            _ if self.closed => return Err(OrderRejection::Closed),
            OrderCommand::Cancel { .. } if self.paid => return Err(OrderRejection::AlreadyPaid),
            OrderCommand::Place {
                stock,
                pay_within_ms,
            } => OrderEvent::Placed {
                stock,
                pay_within_ms,
            },
            OrderCommand::Pay => OrderEvent::Paid,
            OrderCommand::Ship => OrderEvent::Shipped,
            OrderCommand::Cancel { why } => OrderEvent::Cancelled { why },
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed { .. } | OrderEvent::Quiet => {}
            OrderEvent::Paid => self.paid = true,
            OrderEvent::Shipped | OrderEvent::Cancelled { .. } => self.closed = true,
        }
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum StockEvent {
    Filled { count: u32 },
    Reserved,
    Released,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum StockCommand {
    Fill { count: u32 },
    Reserve,
    Release,
}

#[derive(Rejection, Debug)]
pub(crate) struct OutOfStock;

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nothing is left")
    }
}

impl std::error::Error for OutOfStock {}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stock {
    pub(crate) left: u32,
}

impl Aggregate for Stock {
    const DOMAIN: &'static str = "stock";
    type Command = StockCommand;
    type Event = StockEvent;
    type Rejection = OutOfStock;

    fn decide(&self, command: &StockCommand) -> Result<Vec<StockEvent>, OutOfStock> {
        Ok(vec![match command {
            StockCommand::Fill { count } => StockEvent::Filled { count: *count },
            StockCommand::Reserve if self.left == 0 => return Err(OutOfStock),
            StockCommand::Reserve => StockEvent::Reserved,
            StockCommand::Release => StockEvent::Released,
        }])
    }

    fn evolve(&mut self, event: &StockEvent) {
        match event {
            StockEvent::Filled { count } => self.left += count,
            StockEvent::Reserved => self.left = self.left.saturating_sub(1),
            StockEvent::Released => self.left += 1,
        }
    }
}
