//! From events to the state. Total: it takes any event in any order.

use super::{Item, Order, OrderEvent, Status};

pub(super) fn evolve(order: &mut Order, event: &OrderEvent) {
    match event.clone() {
        OrderEvent::Placed {
            customer, address, ..
        } => {
            order.status = Status::Placed;
            order.customer = customer;
            order.address = Some(address);
        }
        OrderEvent::ItemAdded {
            sku,
            quantity,
            cents_each,
        } => {
            let item = order.items.entry(sku).or_insert(Item {
                quantity: 0,
                cents_each,
            });
            item.quantity = item.quantity.saturating_add(quantity);
            item.cents_each = cents_each;
        }
        OrderEvent::QuantitySet { sku, quantity } => {
            if let Some(item) = order.items.get_mut(&sku) {
                item.quantity = quantity;
            }
        }
        OrderEvent::ItemRemoved { sku } | OrderEvent::ItemUnavailable { sku } => {
            order.items.remove(&sku);
        }
        OrderEvent::AddressChanged { address } => order.address = Some(address),
        OrderEvent::NoteAdded { note } => drop(order.notes.insert(note)),
        OrderEvent::Discounted { cents, .. } => order.discount_cents += i64::from(cents),
        OrderEvent::Cancelled { .. } => order.status = Status::Cancelled,
        OrderEvent::Shipped { tracking, .. } => {
            order.status = Status::Shipped;
            order.tracking = Some(tracking);
        }
        OrderEvent::PaymentConfirmed { cents, .. } => order.paid_cents += i64::from(cents),
        OrderEvent::PaidInFull => order.paid_in_full = true,
        OrderEvent::RefundDue { cents } => order.refund_due_cents += i64::from(cents),
        OrderEvent::DeliveryUpdated { status, place } => {
            order.delivery.push(format!("{status} ({place})"));
        }
    }
}
