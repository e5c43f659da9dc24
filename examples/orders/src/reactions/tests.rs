//! Checks what happens because of an order, without a database.

use std::time::Duration;

use seriatim::prelude::{Plan, Uuid};
use seriatim::testkit::{given_process, reacting};

use super::fulfilment::{Fulfilment, Step};
use super::reserve_stock::ReserveStock;
use crate::order::{Order, OrderCommand, OrderEvent};
use crate::stock::{Stock, StockCommand};

const ORDER: Uuid = Uuid::from_u128(1);

fn tea() -> Uuid {
    Stock::root("tea")
}

#[test]
fn what_is_ordered_is_reserved_and_let_go_when_it_is_cancelled() {
    let added = OrderEvent::ItemAdded {
        sku: "tea".into(),
        quantity: 2,
        cents_each: 450,
    };
    let cancelled = OrderEvent::Cancelled {
        reason: "too late".into(),
        articles: vec!["mug".into(), "tea".into()],
    };
    reacting(ReserveStock)
        .of(ORDER)
        .to(added)
        .then(|effects| {
            let reserve = StockCommand::Reserve {
                sku: "tea".into(),
                order: ORDER,
                quantity: 2,
            };
            effects.send::<Stock>(tea(), &reserve);
        })
        .to(cancelled)
        .then(|effects| {
            let release = StockCommand::Release { order: ORDER };
            effects.send::<Stock>(Stock::root("mug"), &release);
            effects.send::<Stock>(tea(), &release);
        });
}

#[test]
fn what_does_not_concern_the_stock_asks_nothing_of_it() {
    let note = OrderEvent::NoteAdded {
        note: "ring twice".into(),
    };
    reacting(ReserveStock).of(ORDER).to(note).then_nothing();
}

#[test]
fn who_does_not_pay_in_time_is_cancelled_unless_the_order_knows_better() {
    let placed = Step::Placed {
        order: ORDER,
        pay_within_seconds: 60,
    };
    given_process::<Fulfilment>([])
        .when(placed)
        .then(|plan| plan.set_timer("payment", Duration::from_secs(60)))
        .when_timer("payment")
        .then(|plan| {
            let reason = "not paid in time".into();
            plan.send::<Order>(ORDER, &OrderCommand::CancelUnpaid { reason });
        })
        .when(Step::Closed)
        .then(Plan::finish);
}

#[test]
fn who_has_paid_is_not_waited_for() {
    let placed = Step::Placed {
        order: ORDER,
        pay_within_seconds: 60,
    };
    given_process::<Fulfilment>([placed])
        .when(Step::Paid)
        .then(|plan| plan.cancel_timer("payment"));
}
