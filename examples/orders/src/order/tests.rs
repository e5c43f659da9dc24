//! Checks what an order does, without a database.

use proptest::prelude::*;
use seriatim::prelude::AggregateHandles;
use seriatim::testkit::{commutes, given, given_no_events};

use super::{Address, Order, OrderCommand, OrderEvent};
use OrderCommand as Do;
use OrderEvent::*;

fn address(city: &str) -> Address {
    Address {
        street: "Marktgasse 1".into(),
        zip: "3011".into(),
        city: city.into(),
    }
}

fn placed() -> OrderEvent {
    Placed {
        customer: "Ann".into(),
        address: address("Bern"),
        pay_within_seconds: 60,
    }
}

fn tea(quantity: u32) -> OrderEvent {
    ItemAdded {
        sku: "tea".into(),
        quantity,
        cents_each: 450,
    }
}

fn paid(cents: u32) -> OrderEvent {
    PaymentConfirmed {
        payment: "pi_1".into(),
        cents,
    }
}

fn ship() -> OrderCommand {
    Do::Ship {
        carrier: "Post".into(),
        tracking: "99.00.1".into(),
    }
}

#[test]
fn ships_only_what_is_paid() {
    given::<Order>([placed()])
        .when(ship())
        .then_rejected("NothingToShip");
    given::<Order>([placed(), tea(2)])
        .when(ship())
        .then_rejected("NotPaid");
    given::<Order>([placed(), tea(2), paid(900)])
        .when(ship())
        .then([Shipped {
            carrier: "Post".into(),
            tracking: "99.00.1".into(),
            articles: vec!["tea".into()],
        }]);
}

#[test]
fn a_closed_order_takes_notes_and_nothing_else() {
    let history = [
        placed(),
        Cancelled {
            reason: "too late".into(),
            articles: Vec::new(),
        },
    ];
    given::<Order>(history.clone())
        .when(ship())
        .then_rejected("Closed");
    given::<Order>(history)
        .when(Do::AddNote {
            note: "called".into(),
        })
        .then([NoteAdded {
            note: "called".into(),
        }]);
}

#[test]
fn nothing_happens_to_an_order_that_was_not_placed() {
    given_no_events::<Order>()
        .when(Do::Cancel {
            reason: "why".into(),
        })
        .then_rejected("NotPlaced");
}

#[test]
fn a_payment_that_covers_everything_says_so() {
    given::<Order>([placed(), tea(2)])
        .when_fact(paid(900), "stripe")
        .then([paid(900), PaidInFull]);
    given::<Order>([placed(), tea(2)])
        .when_fact(paid(899), "stripe")
        .then([paid(899)]);
}

#[test]
fn a_payment_for_a_cancelled_order_is_recorded_and_due_back() {
    given::<Order>([
        placed(),
        tea(2),
        Cancelled {
            reason: "too late".into(),
            articles: Vec::new(),
        },
    ])
    .when_fact(paid(900), "stripe")
    .then([paid(900), RefundDue { cents: 900 }]);
}

fn set(quantity: u32) -> OrderCommand {
    Do::SetQuantity {
        sku: "tea".into(),
        quantity,
    }
}

#[test]
fn quantities_merge_by_what_was_meant() {
    let set_to = |quantity| QuantitySet {
        sku: "tea".into(),
        quantity,
    };
    // Both had seen 2: one made it 3, the other wants three more.
    given::<Order>([placed(), tea(2), set_to(3)])
        .when_expecting(1, AggregateHandles, set(5))
        .then([set_to(6)]);
    // What is never possible is not possible by merging either.
    given::<Order>([placed(), tea(2), set_to(3)])
        .when_expecting(1, AggregateHandles, set(0))
        .then_rejected("NoQuantity");
}

/// The sum fits 64 bits with a sign, or the command is rejected; nothing wraps.
#[test]
fn an_order_that_comes_to_more_than_can_be_counted_is_rejected() {
    let add = |quantity, cents_each| Do::AddItem {
        sku: "tea".into(),
        quantity,
        cents_each,
    };
    let added = |sku: &str, quantity, cents_each| ItemAdded {
        sku: sku.into(),
        quantity,
        cents_each,
    };
    let most = u32::MAX;
    given::<Order>([placed()])
        .when(add(most, most))
        .then_rejected("TooMuch");
    given::<Order>([placed()])
        .when(add(most, most / 2))
        .then([added("tea", most, most / 2)]);
    // By the sum over several articles, by what one of them costs now, and by how many there are.
    given::<Order>([placed(), added("mug", most, most / 2)])
        .when(add(2, most))
        .then_rejected("TooMuch");
    given::<Order>([placed(), added("tea", most - 1, 1)])
        .when(add(1, most))
        .then_rejected("TooMuch");
    given::<Order>([placed(), added("tea", most, 1)])
        .when(add(1, 1))
        .then_rejected("TooMuch");
    given::<Order>([placed(), added("tea", 1, most)])
        .when(set(most))
        .then_rejected("TooMuch");
    // One that is in a log already costs the most there is, and is not paid by anything.
    given::<Order>([placed(), added("tea", most, most), paid(most)])
        .when(ship())
        .then_rejected("NotPaid");
}

fn command() -> impl Strategy<Value = OrderCommand> {
    let sku = prop::sample::select(vec!["tea", "mug"]).prop_map(String::from);
    let city = prop::sample::select(vec!["Bern", "Biel"]);
    let skus = sku.boxed();
    prop_oneof![
        3 => Just(Do::Place { customer: "Ann".into(), address: address("Bern"), pay_within_seconds: 60 }),
        3 => (skus.clone(), 1u32..3).prop_map(|(sku, quantity)| Do::AddItem { sku, quantity, cents_each: 450 }),
        1 => skus.clone().prop_map(|sku| Do::AddItem { sku, quantity: u32::MAX, cents_each: u32::MAX / 2 }),
        1 => (skus.clone(), 1u32..5).prop_map(|(sku, quantity)| Do::SetQuantity { sku, quantity }),
        1 => skus.prop_map(|sku| Do::RemoveItem { sku }),
        1 => city.prop_map(|city| Do::ChangeAddress { address: address(city) }),
        2 => "[ab]".prop_map(|note| Do::AddNote { note }),
        1 => (1u32..500).prop_map(|cents| Do::Discount { cents, reason: "late".into() }),
        1 => Just(Do::Cancel { reason: "late".into() }),
        2 => Just(ship()),
    ]
}

fn fact() -> impl Strategy<Value = OrderEvent> {
    prop_oneof![
        (100u32..2000).prop_map(paid),
        Just(DeliveryUpdated {
            status: "sorted".into(),
            place: "Bern".into()
        }),
    ]
}

#[test]
fn only_an_order_that_is_not_paid_can_be_late() {
    let late = || Do::CancelUnpaid {
        reason: "late".into(),
    };
    given::<Order>([placed(), tea(2)])
        .when(late())
        .then([Cancelled {
            reason: "late".into(),
            articles: vec!["tea".into()],
        }]);
    given::<Order>([placed(), tea(2), paid(900), PaidInFull])
        .when(late())
        .then([]);
}

#[test]
fn what_is_merged_equals_some_serial_order() {
    let report = commutes::<Order>(command()).facts(fact()).cases(3000).run();
    println!("{report}");
}
