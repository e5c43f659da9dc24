//! Checks that several commands in one book are decided in order and written all or nothing.

use seriatim_core::{CommandGateway, MergeStrategy, Message, SubmitError};

use crate::cart::*;

#[tokio::test]
async fn commands_of_a_book_are_decided_one_after_another() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let mut book = ask(&stream, &Do::Add { count: 3 });
    book.commands.push(Do::Double.encode().unwrap());
    book.commands.push(Do::Take { count: 6 }.encode().unwrap());
    assert_eq!(
        committed(&coordinator.submit(book).await.unwrap()),
        (0, 2, false)
    );
    assert_eq!(
        history(&store, &stream).await,
        [added(3), added(3), added(-6)]
    );
}

#[tokio::test]
async fn one_rejection_rejects_the_book() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let mut book = under("k", ask(&stream, &Do::Add { count: 3 }));
    book.commands.push(Do::Take { count: 4 }.encode().unwrap());
    let answer = coordinator.submit(book.clone()).await;
    assert!(matches!(answer, Err(SubmitError::Rejected(rejected)) if rejected.code == "TooFew"));
    assert!(history(&store, &stream).await.is_empty());
    // Its external id is not spent either.
    book.commands.truncate(1);
    assert_eq!(
        committed(&coordinator.submit(book).await.unwrap()),
        (0, 0, false)
    );
}

#[tokio::test]
async fn a_book_is_merged_as_one() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open, note("theirs")]).await;
    let mut book = stale(
        &stream,
        &Do::Add { count: 1 },
        0,
        MergeStrategy::Commutative,
    );
    book.commands.push(name("ours").encode().unwrap());
    assert_eq!(
        committed(&coordinator.submit(book.clone()).await.unwrap()),
        (2, 3, true)
    );
    // One command that overlaps stops the whole book.
    book.commands.push(note("ours").encode().unwrap());
    conflict(coordinator.submit(book).await);
    assert_eq!(history(&store, &stream).await.len(), 4);
}

#[tokio::test]
async fn the_aggregate_is_asked_for_each_command_of_a_book() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    let mut book = stale(&stream, &name("c"), 0, MergeStrategy::AggregateHandles);
    book.commands.push(name("d").encode().unwrap());
    assert_eq!(
        committed(&coordinator.submit(book).await.unwrap()),
        (2, 3, true)
    );
    assert_eq!(
        history(&store, &stream).await[2..],
        [
            named("b / c (1 between)"),
            named("b / c (1 between) / d (1 between)")
        ]
    );
}
