//! Checks what a stock does, without a database.

use seriatim::prelude::Uuid;
use seriatim::testkit::given;

use super::StockCommand::{PickUp, Release, Reserve, ReserveInAll};
use super::StockEvent::{Counted, PickedUp, Released, Reserved};
use super::{Stock, StockEvent};

const ANN: Uuid = Uuid::from_u128(1);
const BOB: Uuid = Uuid::from_u128(2);

fn ten() -> StockEvent {
    Counted {
        sku: "tea".into(),
        quantity: 10,
    }
}

fn reserve(order: Uuid, quantity: u32) -> super::StockCommand {
    Reserve {
        sku: "tea".into(),
        order,
        quantity,
    }
}

#[test]
fn more_than_can_be_counted_is_not_reserved() {
    let all = Counted {
        sku: "tea".into(),
        quantity: u32::MAX,
    };
    let nearly_all = Reserved {
        order: ANN,
        quantity: u32::MAX - 1,
    };
    given::<Stock>([all, nearly_all])
        .when(reserve(ANN, 2))
        .then_rejected("OutOfStock");
}

#[test]
fn what_is_reserved_is_not_free_for_others() {
    let six_for_ann = Reserved {
        order: ANN,
        quantity: 6,
    };
    given::<Stock>([ten(), six_for_ann.clone()])
        .when(reserve(BOB, 5))
        .then_rejected("OutOfStock");
    given::<Stock>([ten(), six_for_ann.clone()])
        .when(reserve(ANN, 4))
        .then([Reserved {
            order: ANN,
            quantity: 10,
        }]);
    given::<Stock>([ten(), six_for_ann])
        .when(ReserveInAll {
            sku: "tea".into(),
            order: ANN,
            quantity: 2,
        })
        .then([Reserved {
            order: ANN,
            quantity: 2,
        }]);
}

#[test]
fn what_was_let_go_is_free_again() {
    let all_for_ann = Reserved {
        order: ANN,
        quantity: 10,
    };
    given::<Stock>([ten(), all_for_ann.clone(), Released { order: ANN }])
        .when(reserve(BOB, 10))
        .then([Reserved {
            order: BOB,
            quantity: 10,
        }]);
    given::<Stock>([
        ten(),
        all_for_ann,
        PickedUp {
            order: ANN,
            quantity: 10,
        },
    ])
    .when(reserve(BOB, 1))
    .then_rejected("OutOfStock");
}

#[test]
fn letting_go_of_nothing_is_nothing() {
    given::<Stock>([ten()])
        .when(Release { order: ANN })
        .then([]);
    given::<Stock>([ten()]).when(PickUp { order: ANN }).then([]);
}
