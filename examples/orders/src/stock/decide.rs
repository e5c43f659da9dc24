//! From commands to events.

use seriatim::prelude::Uuid;

use super::{Stock, StockCommand, StockEvent, StockRejection};

pub(super) fn decide(
    stock: &Stock,
    command: &StockCommand,
) -> Result<Vec<StockEvent>, StockRejection> {
    Ok(match command.clone() {
        StockCommand::Count { sku, quantity } => vec![StockEvent::Counted { sku, quantity }],
        StockCommand::Reserve {
            order, quantity, ..
        } => {
            let before = stock.reserved.get(&order).copied().unwrap_or(0);
            match before.checked_add(quantity) {
                Some(in_all) => reserve(stock, order, in_all)?,
                None => return Err(StockRejection::OutOfStock { free: stock.free() }),
            }
        }
        StockCommand::ReserveInAll {
            order, quantity, ..
        } => reserve(stock, order, quantity)?,
        // An order may say more than once that it is over.
        StockCommand::Release { order } => match stock.reserved.contains_key(&order) {
            true => vec![StockEvent::Released { order }],
            false => Vec::new(),
        },
        StockCommand::PickUp { order } => match stock.reserved.get(&order) {
            Some(&quantity) => vec![StockEvent::PickedUp { order, quantity }],
            None => Vec::new(),
        },
    })
}

/// So many in all.
fn reserve(stock: &Stock, order: Uuid, quantity: u32) -> Result<Vec<StockEvent>, StockRejection> {
    let before = stock.reserved.get(&order).copied().unwrap_or(0);
    let free = stock.free();
    if quantity.saturating_sub(before) > free {
        return Err(StockRejection::OutOfStock { free });
    }
    match quantity == before {
        true => Ok(Vec::new()),
        false => Ok(vec![StockEvent::Reserved { order, quantity }]),
    }
}
