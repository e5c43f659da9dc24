//! From commands and facts to events.

use seriatim::RejectedEffect;

use super::{Item, Order, OrderCommand, OrderEvent, OrderRejection, Status};
use crate::stock::{Stock, StockCommand};

pub(super) fn decide(
    order: &Order,
    command: &OrderCommand,
) -> Result<Vec<OrderEvent>, OrderRejection> {
    use {OrderCommand::*, OrderEvent::*, OrderRejection::*};

    match order.status {
        Status::New if !matches!(command, Place { .. }) => return Err(NotPlaced),
        status @ (Status::Shipped | Status::Cancelled) if !matches!(command, AddNote { .. }) => {
            return Err(Closed { status });
        }
        Status::New | Status::Placed | Status::Shipped | Status::Cancelled => {}
    }
    Ok(vec![match command.clone() {
        CancelUnpaid { .. } if order.paid_in_full => return Ok(Vec::new()),
        Place { .. } if order.status != Status::New => return Err(AlreadyPlaced),
        Place {
            customer,
            address,
            pay_within_seconds,
        } => Placed {
            customer,
            address,
            pay_within_seconds,
        },

        AddItem { quantity: 0, .. } | SetQuantity { quantity: 0, .. } => return Err(NoQuantity),
        AddItem {
            sku,
            quantity,
            cents_each,
        } => {
            let before = order.items.get(&sku).map_or(0, |item| item.quantity);
            require_sum(order, &sku, before.checked_add(quantity), cents_each)?;
            ItemAdded {
                sku,
                quantity,
                cents_each,
            }
        }

        SetQuantity { sku, .. } | RemoveItem { sku } if !order.items.contains_key(&sku) => {
            return Err(NoSuchItem { sku });
        }
        SetQuantity { sku, quantity } => {
            let cents_each = order.items.get(&sku).map_or(0, |item| item.cents_each);
            require_sum(order, &sku, Some(quantity), cents_each)?;
            QuantitySet { sku, quantity }
        }
        RemoveItem { sku } => ItemRemoved { sku },

        ChangeAddress { address } => AddressChanged { address },
        AddNote { note } => NoteAdded { note },

        Discount { cents, .. } if i64::from(cents) > order.open_cents() => {
            let open_cents = order.open_cents();
            return Err(DiscountTooLarge { cents, open_cents });
        }
        Discount { cents, reason } => Discounted { cents, reason },

        Cancel { reason } | CancelUnpaid { reason } => Cancelled {
            reason,
            articles: order.articles(),
        },
        Ship { .. } if order.items.is_empty() => return Err(NothingToShip),
        Ship { .. } if order.open_cents() > 0 => {
            let missing_cents = order.open_cents();
            return Err(NotPaid { missing_cents });
        }
        Ship { carrier, tracking } => Shipped {
            carrier,
            tracking,
            articles: order.articles(),
        },
    }])
}

/// With so many of an article, which is `None` if that cannot be counted, the order comes to a sum that can.
fn require_sum(
    order: &Order,
    sku: &str,
    quantity: Option<u32>,
    cents_each: u32,
) -> Result<(), OrderRejection> {
    let quantity = quantity.ok_or(OrderRejection::TooMuch)?;
    let mut after = order.clone();
    let item = Item {
        quantity,
        cents_each,
    };
    after.items.insert(sku.into(), item);
    after.sum().map(drop).ok_or(OrderRejection::TooMuch)
}

/// A fact is recorded whatever the order thinks of it; what follows from it is added.
pub(super) fn on_fact(order: &Order, fact: &OrderEvent) -> Vec<OrderEvent> {
    let mut events = vec![fact.clone()];
    if let OrderEvent::PaymentConfirmed { cents, .. } = *fact {
        if order.status == Status::Cancelled {
            events.push(OrderEvent::RefundDue { cents });
        } else if !order.paid_in_full && order.open_cents() <= i64::from(cents) {
            events.push(OrderEvent::PaidInFull);
        }
    }
    events
}

/// Records that an item is unavailable, if the stock does not have it: it cannot be ordered.
pub(super) fn on_rejected(order: &Order, effect: &RejectedEffect) -> Vec<OrderEvent> {
    let Some(Ok(commands)) = effect.of::<Stock>() else {
        return Vec::new();
    };
    let wanted = commands.into_iter().filter_map(|command| match command {
        StockCommand::Reserve { sku, .. } | StockCommand::ReserveInAll { sku, .. } => Some(sku),
        StockCommand::Count { .. } | StockCommand::Release { .. } | StockCommand::PickUp { .. } => {
            None
        }
    });
    wanted
        .filter(|sku| order.items.contains_key(sku))
        .map(|sku| OrderEvent::ItemUnavailable { sku })
        .collect()
}
