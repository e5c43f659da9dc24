//! A short story, told through the same gRPC server that everybody else uses.

mod late;
mod teller;

use std::time::Duration;

use seriatim::Client;
use seriatim::prelude::*;

use crate::order::{Address, Order, OrderCommand, OrderEvent};
use teller::Teller;

const TWO_WEEKS: u32 = 14 * 24 * 3600;

pub(crate) async fn tell(server: &str) -> Result<(), AnyError> {
    let client = Client::connect(server, Duration::from_secs(10)).await?;
    let stream = order(Uuid::now_v7());
    let mut teller = Teller::new(client, stream.clone());
    chapters(&mut teller).await?;
    late::chapters(teller).await?;
    print_own_commands(server, &stream);
    Ok(())
}

async fn chapters(teller: &mut Teller) -> Result<(), AnyError> {
    teller.heading("There are twenty packets of tea and five mugs on the shelf.");
    teller.count("tea", 20).await?;
    teller.count("mug", 5).await?;

    teller.heading("Ann orders two packets of tea. She expects no such order yet.");
    teller
        .send("ann", place("Ann Example", TWO_WEEKS), NoStream, None)
        .await?;
    teller
        .send("ann", add("tea", 2, 450), Exactly(Sequence(0)), None)
        .await?;

    teller.heading("The warehouse adds a mug while support adds a note. Both had seen sequence 1.");
    teller
        .send("warehouse", add("mug", 1, 1200), Exactly(Sequence(1)), None)
        .await?;
    teller
        .send("support", note("ring twice"), Exactly(Sequence(1)), None)
        .await?;

    teller.heading("Two people change the number of packets. The order itself merges: 2 -> 3 and 2 -> 4 make 5.");
    teller
        .send("ann", quantity("tea", 3), Exactly(Sequence(3)), None)
        .await?;
    teller
        .send("support", quantity("tea", 4), Exactly(Sequence(3)), None)
        .await?;

    teller.heading("What is ordered is reserved: a saga follows the order, and asks the stock.");
    teller.show_reserved(&["mug", "tea"]).await?;

    teller.heading("A discount decided on an old view is a person's decision: it is parked.");
    teller
        .send("support", discount(500), Exactly(Sequence(3)), None)
        .await?;

    teller.heading("Stripe confirms the payment, twice. It is one fact.");
    let paid = OrderEvent::PaymentConfirmed {
        payment: "pi_3Pq".into(),
        cents: 3450,
    };
    teller
        .record("stripe", &paid, "charge succeeded", "pi_3Pq")
        .await?;
    teller
        .record("stripe", &paid, "charge succeeded", "pi_3Pq")
        .await?;

    teller.heading(
        "Somebody cancels without having seen the payment. Cancelling is STRICT: refused.",
    );
    let cancel = OrderCommand::Cancel {
        reason: "no answer".into(),
    };
    teller
        .send(
            "support",
            cancel,
            Exactly(Sequence(5)),
            Some(MergeStrategy::Strict),
        )
        .await?;

    teller.heading("It is shipped, and the carrier tells where it is.");
    let ship = OrderCommand::Ship {
        carrier: "Post".into(),
        tracking: "99.00.123456".into(),
    };
    teller
        .send("warehouse", ship, Exactly(Sequence(7)), None)
        .await?;
    let arrived = OrderEvent::DeliveryUpdated {
        status: "sorted".into(),
        place: "Bern".into(),
    };
    teller
        .record("post", &arrived, "parcel scan", "scan-1")
        .await?;
    teller.show_state().await
}

fn order(root: Uuid) -> StreamId {
    StreamId::new(Domain::of::<Order>(), root)
}

/// Prints what the reader can type now.
fn print_own_commands(server: &str, stream: &StreamId) {
    let seriatim = match server {
        "http://127.0.0.1:50051" => "cargo run -q -p seriatim-cli --".to_owned(),
        other => format!("cargo run -q -p seriatim-cli -- --server {other}"),
    };
    println!("\nNow you, in another terminal:");
    println!("  {seriatim} events {stream}");
    println!("  {seriatim} send {stream} AddNote '{{\"note\": \"left at the door\"}}' --expect 2");
    println!("  {seriatim} dead-letters list");
    println!("  {seriatim} reactions list");
    println!("  cargo run -q -- --list\n");
}

fn place(customer: &str, pay_within_seconds: u32) -> OrderCommand {
    OrderCommand::Place {
        customer: customer.into(),
        address: Address {
            street: "Marktgasse 1".into(),
            zip: "3011".into(),
            city: "Bern".into(),
        },
        pay_within_seconds,
    }
}

fn add(sku: &str, quantity: u32, cents_each: u32) -> OrderCommand {
    OrderCommand::AddItem {
        sku: sku.into(),
        quantity,
        cents_each,
    }
}

fn quantity(sku: &str, quantity: u32) -> OrderCommand {
    OrderCommand::SetQuantity {
        sku: sku.into(),
        quantity,
    }
}

fn note(note: &str) -> OrderCommand {
    OrderCommand::AddNote { note: note.into() }
}

fn discount(cents: u32) -> OrderCommand {
    OrderCommand::Discount {
        cents,
        reason: "waited too long".into(),
    }
}
