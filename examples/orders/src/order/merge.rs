//! Decides what happens to a change that was decided on an older view of the order.

use seriatim::prelude::*;

use super::{Order, OrderCommand, OrderEvent};

pub(super) fn strategy(command: &OrderCommand) -> MergeStrategy {
    match command {
        // Who ends an order must have seen all of it.
        OrderCommand::Cancel { .. } | OrderCommand::Ship { .. } => Strict,
        // Money given away on an old view is a person's decision.
        OrderCommand::Discount { .. } => Manual,
        // The domain knows better than a comparison of states, see below.
        OrderCommand::SetQuantity { .. } | OrderCommand::ChangeAddress { .. } => AggregateHandles,
        // Items, notes: whatever does not overlap.
        OrderCommand::Place { .. }
        | OrderCommand::AddItem { .. }
        | OrderCommand::RemoveItem { .. }
        | OrderCommand::AddNote { .. }
        | OrderCommand::CancelUnpaid { .. } => Commutative,
    }
}

pub(super) fn merge(
    order: &Order,
    command: &OrderCommand,
    base: &Order,
    theirs: &[OrderEvent],
) -> Merge<Order> {
    match command {
        OrderCommand::SetQuantity { sku, quantity } => match order.decide(command) {
            Ok(_) => merge_quantity(order, base, sku, *quantity),
            Err(rejection) => Merge::Reject(rejection),
        },
        OrderCommand::ChangeAddress { .. } => {
            let moved = |event: &OrderEvent| matches!(event, OrderEvent::AddressChanged { .. });
            match theirs.iter().any(moved) {
                true => Merge::Manual("somebody else changed the address: ask the customer".into()),
                false => order
                    .decide(command)
                    .map_or_else(Merge::Reject, Merge::Proceed),
            }
        }
        OrderCommand::Place { .. }
        | OrderCommand::AddItem { .. }
        | OrderCommand::RemoveItem { .. }
        | OrderCommand::AddNote { .. }
        | OrderCommand::Discount { .. }
        | OrderCommand::Cancel { .. }
        | OrderCommand::CancelUnpaid { .. }
        | OrderCommand::Ship { .. } => Merge::Conflict,
    }
}

/// From 2 to 5 means "three more": the difference is what was meant, and it is applied to what is there now.
fn merge_quantity(order: &Order, base: &Order, sku: &str, quantity: u32) -> Merge<Order> {
    let (Some(then), Some(now)) = (base.items.get(sku), order.items.get(sku)) else {
        return Merge::Conflict;
    };
    let merged = i64::from(now.quantity) + i64::from(quantity) - i64::from(then.quantity);
    match u32::try_from(merged) {
        Ok(quantity) if quantity > 0 => {
            let command = OrderCommand::SetQuantity {
                sku: sku.into(),
                quantity,
            };
            order
                .decide(&command)
                .map_or_else(Merge::Reject, Merge::Proceed)
        }
        Ok(_) | Err(_) => Merge::Conflict,
    }
}
