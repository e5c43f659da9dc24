//! A saga: what is ordered is reserved, and let go or picked up at the end. If the stock says no, the order hears of it
//! in `Order::on_rejected`.
//!
//! All that an order does to the stock goes this one way, in the order of its events: nothing can be reserved for an
//! order after it was let go.

use seriatim::prelude::*;

use crate::order::{Order, OrderEvent};
use crate::stock::{Stock, StockCommand};

pub(crate) struct ReserveStock;

impl Saga for ReserveStock {
    const NAME: &'static str = "reserve-stock";
    type Source = Order;

    fn react(&self, event: &OrderEvent, recorded: &RecordedEvent, effects: &mut Effects) {
        let order = recorded.stream.root;
        let mut ask = |sku: &str, command| {
            effects.send::<Stock>(Stock::root(sku), &command);
        };
        match event.clone() {
            OrderEvent::ItemAdded { sku, quantity, .. } => {
                ask(
                    &sku.clone(),
                    StockCommand::Reserve {
                        sku,
                        order,
                        quantity,
                    },
                );
            }
            OrderEvent::QuantitySet { sku, quantity } => {
                ask(
                    &sku.clone(),
                    StockCommand::ReserveInAll {
                        sku,
                        order,
                        quantity,
                    },
                );
            }
            OrderEvent::ItemRemoved { sku } | OrderEvent::ItemUnavailable { sku } => {
                ask(&sku, StockCommand::Release { order });
            }
            OrderEvent::Cancelled { articles, .. } => {
                (articles.iter()).for_each(|sku| ask(sku, StockCommand::Release { order }));
            }
            OrderEvent::Shipped { articles, .. } => {
                (articles.iter()).for_each(|sku| ask(sku, StockCommand::PickUp { order }));
            }
            _ => {}
        }
    }
}
