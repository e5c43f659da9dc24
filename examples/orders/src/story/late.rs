//! Tells what happens because of events: the stock says no, and nobody pays.

use seriatim::prelude::{Any, AnyError, NoStream, Uuid};

use super::teller::Teller;
use super::{TWO_WEEKS, add, order, place};

pub(super) async fn chapters(teller: Teller) -> Result<(), AnyError> {
    let mut teller = teller.about(order(Uuid::now_v7()));
    teller.heading("Bob wants a thousand mugs. The stock says no, and his order hears of it.");
    let placed = place("Bob Example", TWO_WEEKS);
    teller.send("bob", placed, NoStream, None).await?;
    let mugs = add("mug", 1000, 1200);
    teller.send("bob", mugs, Any, None).await?;
    teller.follows("ItemUnavailable").await?;

    let mut teller = teller.about(order(Uuid::now_v7()));
    teller.heading(
        "Eve has a second to pay. A process manager keeps the time; what was reserved is let go.",
    );
    let book = [place("Eve Example", 1), add("tea", 2, 450)];
    teller.send_book("eve", &book, NoStream, None).await?;
    teller.follows("Cancelled").await?;
    teller.stock_follows("tea", "Released").await
}
