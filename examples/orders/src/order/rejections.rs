//! The reasons for which an order may refuse a command.

use seriatim::prelude::*;

use super::Status;

#[derive(Rejection, thiserror::Error, Debug)]
pub(crate) enum OrderRejection {
    #[error("the order is placed already")]
    AlreadyPlaced,
    #[error("there is no such order yet; place it first")]
    NotPlaced,
    #[error("the order is {status:?} and cannot be changed any more")]
    Closed { status: Status },
    #[error("the order has no item `{sku}`")]
    NoSuchItem { sku: String },
    #[error("a quantity must be at least 1; to give up an item, remove it")]
    NoQuantity,
    #[error("the order would come to more than can be counted; order less")]
    TooMuch,
    #[error("the order has no items to ship")]
    NothingToShip,
    #[error("{missing_cents} cents are still to be paid")]
    NotPaid { missing_cents: i64 },
    #[error("a discount of {cents} cents is more than the {open_cents} that are open")]
    DiscountTooLarge { cents: u32, open_cents: i64 },
}
