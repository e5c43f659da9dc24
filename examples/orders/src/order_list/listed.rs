//! An order as the list has it, and what each event changes about it.

use std::collections::BTreeMap;

use crate::order::OrderEvent;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listed {
    pub(super) customer: String,
    pub(super) status: String,
    pub(super) items: BTreeMap<String, ListedItem>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ListedItem {
    pub(super) quantity: u32,
    pub(super) cents_each: u32,
}

/// Applies an event to an order. `None` means that the list does not have the order (yet).
pub(super) fn apply(order: &mut Option<Listed>, event: OrderEvent) {
    if let OrderEvent::Placed { customer, .. } = event {
        *order = Some(Listed {
            customer,
            status: "placed".into(),
            items: BTreeMap::new(),
        });
        return;
    }
    let Some(order) = order else { return };
    match event {
        OrderEvent::ItemAdded {
            sku,
            quantity,
            cents_each,
        } => {
            let item = order.items.entry(sku);
            let item = item.or_insert(ListedItem {
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
        OrderEvent::PaidInFull => order.status = "paid".into(),
        OrderEvent::Shipped { .. } => order.status = "shipped".into(),
        OrderEvent::Cancelled { .. } => order.status = "cancelled".into(),
        OrderEvent::Placed { .. }
        | OrderEvent::AddressChanged { .. }
        | OrderEvent::NoteAdded { .. }
        | OrderEvent::Discounted { .. }
        | OrderEvent::PaymentConfirmed { .. }
        | OrderEvent::RefundDue { .. }
        | OrderEvent::DeliveryUpdated { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Address;

    fn placed() -> OrderEvent {
        OrderEvent::Placed {
            customer: "Ada".into(),
            address: Address {
                street: String::new(),
                zip: String::new(),
                city: String::new(),
            },
            pay_within_seconds: 60,
        }
    }

    fn added(sku: &str, quantity: u32, cents_each: u32) -> OrderEvent {
        OrderEvent::ItemAdded {
            sku: sku.into(),
            quantity,
            cents_each,
        }
    }

    fn list(events: impl IntoIterator<Item = OrderEvent>) -> Option<Listed> {
        let mut order = None;
        for event in events {
            apply(&mut order, event);
        }
        order
    }

    #[test]
    fn an_order_is_what_its_events_make_of_it() {
        let tea = || "tea".to_owned();
        let order = list([
            placed(),
            added("tea", 2, 300),
            added("cup", 1, 900),
            added("tea", 1, 350),
            OrderEvent::QuantitySet {
                sku: "cup".into(),
                quantity: 4,
            },
            OrderEvent::PaidInFull,
        ]);
        let order = order.unwrap();
        assert_eq!(
            (order.customer.as_str(), order.status.as_str()),
            ("Ada", "paid")
        );
        let item = |quantity, cents_each| ListedItem {
            quantity,
            cents_each,
        };
        let items = BTreeMap::from([("cup".to_owned(), item(4, 900)), (tea(), item(3, 350))]);
        assert_eq!(order.items, items);

        let mut order = Some(order);
        apply(&mut order, OrderEvent::ItemUnavailable { sku: tea() });
        apply(
            &mut order,
            OrderEvent::QuantitySet {
                sku: tea(),
                quantity: 9,
            },
        );
        assert_eq!(order.unwrap().items.len(), 1);
    }

    #[test]
    fn what_was_never_placed_is_not_listed() {
        assert_eq!(list([added("tea", 2, 300), OrderEvent::PaidInFull]), None);
    }
}
