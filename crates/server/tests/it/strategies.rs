//! Checks the four strategies and the expectations, row by row, as a sender sees them.

use seriatim_core::{
    ConflictReason, ExpectedSequence, MergeStrategy, Sequence, SequenceConflict, StreamId,
    SubmitError,
};
use seriatim_proto::status::WireError;
use seriatim_proto::v1;
use tonic::{Code, Status};

use MergeStrategy::{AggregateHandles, Commutative, Manual, Strict};

use crate::rig::*;

const OPEN: (&str, &str) = ("Open", r#"{"owner":"Ann"}"#);
const FILL: (&str, &str) = ("Fill", r#"{"coins":5}"#);
const LABEL: (&str, &str) = ("Label", r#"{"label":"left"}"#);

fn command(stream: &StreamId, (name, json): (&str, &str)) -> v1::SubmitRequest {
    ask(stream, name, json)
}

fn conflict(status: &Status) -> SequenceConflict {
    assert_code(status, Code::Aborted, "SEQUENCE_CONFLICT");
    match SubmitError::from_status(status) {
        Some(SubmitError::Conflict(conflict)) => *conflict,
        other => panic!("{other:?}"),
    }
}

/// Returns `(first, last, merged)`.
fn place(response: &v1::SubmitResponse) -> (u32, u32, bool) {
    let commit = committed(response);
    (commit.first, commit.last, commit.merged)
}

/// Sends `command`, which expects sequence 0, to a till with `history`. Checks that it is refused and nothing is
/// written. Returns the conflict.
async fn refused(
    history: &[(&str, &str)],
    strategy: MergeStrategy,
    ask: (&str, &str),
) -> SequenceConflict {
    let rig = Rig::start().await;
    let stream = rig.till_with(history).await;
    let status = rig.refused(stale(0, strategy, command(&stream, ask))).await;
    assert_eq!(rig.history(&stream).await.len(), history.len());
    conflict(&status)
}

/// Sends the same. Checks that it is merged. Returns the type of its event.
async fn merged(history: &[(&str, &str)], strategy: MergeStrategy, ask: (&str, &str)) -> String {
    let rig = Rig::start().await;
    let stream = rig.till_with(history).await;
    let response = rig.submit(stale(0, strategy, command(&stream, ask))).await;
    let next = u32::try_from(history.len()).unwrap();
    assert_eq!(place(&response), (next, next, true));
    rig.history(&stream).await.pop().unwrap()
}

#[tokio::test]
async fn at_sequence_5_a_command_expecting_5_gives_event_6_under_every_strategy() {
    for strategy in MergeStrategy::ALL {
        let rig = Rig::start().await;
        let stream = rig.till_with(&[FILL; 6]).await;
        let response = rig.submit(stale(5, strategy, command(&stream, FILL))).await;
        assert_eq!(place(&response), (6, 6, false), "{strategy}");
    }
}

#[tokio::test]
async fn no_expectation_is_never_a_conflict() {
    for strategy in MergeStrategy::ALL {
        let rig = Rig::start().await;
        let stream = rig.till_with(&[FILL; 2]).await;
        let request = stale(ExpectedSequence::Any, strategy, command(&stream, LABEL));
        assert_eq!(
            place(&rig.submit(request).await),
            (2, 2, false),
            "{strategy}"
        );
    }
}

#[tokio::test]
async fn no_stream_holds_for_a_new_stream_only() {
    let rig = Rig::start().await;
    let stream = till();
    let request = stale(ExpectedSequence::NoStream, Strict, command(&stream, OPEN));
    assert_eq!(place(&rig.submit(request.clone()).await), (0, 0, false));
    let conflict = conflict(&rig.refused(request).await);
    assert_eq!(conflict.conflict.expected, ExpectedSequence::NoStream);
    assert_eq!(conflict.conflict.current, Some(Sequence(0)));
}

#[tokio::test]
async fn the_strategy_of_the_aggregate_where_the_command_names_none() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[OPEN, FILL]).await;
    let mut request = stale(0, Strict, command(&stream, FILL));
    request.book.as_mut().unwrap().pages[0].merge_strategy = None;
    assert_eq!(place(&rig.submit(request).await), (2, 2, true));
}

#[tokio::test]
async fn strict_refuses_and_tells_what_happened_since() {
    let conflict = refused(&[OPEN, FILL, LABEL], Strict, FILL).await;
    assert_eq!(conflict.reason, ConflictReason::Strict);
    assert_eq!(conflict.strategy, Strict);
    assert_eq!(
        conflict.conflict.expected,
        ExpectedSequence::Exactly(Sequence(0))
    );
    assert_eq!(conflict.conflict.current, Some(Sequence(2)));
    let events: Vec<_> = conflict
        .intervening
        .iter()
        .map(|event| (event.sequence.0, event.payload.type_name.as_ref()))
        .collect();
    assert_eq!(events, [(1, "Filled"), (2, "Labelled")]);
    assert_eq!(conflict.intervening_total, 2);
}

#[tokio::test]
async fn commutative_merges_changes_whose_order_does_not_matter() {
    assert_eq!(merged(&[OPEN, FILL], Commutative, FILL).await, "Filled");
    assert_eq!(merged(&[OPEN, FILL], Commutative, LABEL).await, "Labelled");
}

#[tokio::test]
async fn commutative_refuses_where_the_order_matters() {
    let other = ("Label", r#"{"label":"right"}"#);
    let conflict = refused(&[OPEN, LABEL], Commutative, other).await;
    match conflict.reason {
        ConflictReason::OrderMatters { fields } => assert_eq!(fields[0].to_string(), "label"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn commutative_refuses_what_would_be_decided_otherwise() {
    let conflict = refused(&[FILL, FILL], Commutative, ("Double", "{}")).await;
    match conflict.reason {
        ConflictReason::DecisionDiffers { changed, .. } => {
            assert_eq!(changed[0].to_string(), "coins");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn commutative_refuses_what_is_rejected_now_and_says_why() {
    let take = ("Take", r#"{"coins":5}"#);
    let conflict = refused(&[FILL, take], Commutative, take).await;
    assert_eq!(conflict.reason, ConflictReason::RejectedNow);
    assert_eq!(conflict.rejection.unwrap().code, "TooFew");
}

#[tokio::test]
async fn commutative_refuses_where_a_premise_was_changed() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[OPEN, LABEL]).await;
    let mut request = stale(0, Commutative, command(&stream, FILL));
    request.premises = vec!["label".into()];
    let conflict = conflict(&rig.refused(request.clone()).await);
    match conflict.reason {
        ConflictReason::PremiseChanged { changed } => assert_eq!(changed[0].to_string(), "label"),
        other => panic!("{other:?}"),
    }
    request.premises = vec!["/coins".into()];
    assert_eq!(place(&rig.submit(request).await), (2, 2, true));
}

#[tokio::test]
async fn an_aggregate_that_proceeds() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[OPEN, LABEL]).await;
    let mut request = stale(
        0,
        AggregateHandles,
        ask(&stream, "Label", r#"{"label":"right"}"#),
    );
    request.include_events = true;
    let response = rig.submit(request).await;
    assert_eq!(place(&response), (2, 2, true));
    let event = committed(&response).events[0].event.clone();
    let payload = seriatim_proto::convert::payload(event, "event").unwrap();
    assert_eq!(payload.to_json().unwrap()["label"], "left + right");
}

#[tokio::test]
async fn an_aggregate_that_refuses() {
    let conflict = refused(&[OPEN, LABEL], AggregateHandles, FILL).await;
    assert_eq!(conflict.reason, ConflictReason::AggregateRefused);
}

#[tokio::test]
async fn an_aggregate_that_rejects() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[FILL, OPEN]).await;
    let status = rig
        .refused(stale(0, AggregateHandles, command(&stream, OPEN)))
        .await;
    assert_code(&status, Code::FailedPrecondition, "REJECTED");
    assert_eq!(rig.history(&stream).await.len(), 2);
}

#[tokio::test]
async fn an_aggregate_that_asks_for_a_person() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[FILL, FILL]).await;
    let request = stale(0, AggregateHandles, ask(&stream, "Double", "{}"));
    let response = rig.submit(request).await;
    assert!(dead_lettered(&response).reason.contains("double what?"));
    assert_eq!(rig.history(&stream).await.len(), 2);
}

#[tokio::test]
async fn manual_parks_the_command_and_does_not_run_it() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[OPEN, FILL]).await;
    let response = rig.submit(stale(0, Manual, command(&stream, FILL))).await;
    assert!(dead_lettered(&response).id.is_some());
    assert_eq!(rig.history(&stream).await.len(), 2);
}

#[tokio::test]
async fn the_same_external_id_parked_again_gives_the_same_letter() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[OPEN, FILL]).await;
    let request = under("till-7/1", stale(0, Manual, command(&stream, FILL)));
    let first = rig.submit(request.clone()).await;
    let again = rig.submit(request).await;
    let Some(v1::submit_response::Outcome::Duplicate(duplicate)) = again.outcome else {
        panic!("{again:?}");
    };
    let Some(v1::first_result::Result::DeadLettered(letter)) =
        duplicate.first_result.unwrap().result
    else {
        panic!("a letter");
    };
    assert_eq!(letter.id, dead_lettered(&first).id);
    assert_eq!(rig.letter_count().await, 1);
}

#[tokio::test]
async fn a_rejection_carries_its_code_and_its_values() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[FILL]).await;
    let status = rig.refused(ask(&stream, "Take", r#"{"coins":6}"#)).await;
    assert_code(&status, Code::FailedPrecondition, "REJECTED");
    match SubmitError::from_status(&status) {
        Some(SubmitError::Rejected(rejected)) => {
            assert_eq!(rejected.code, "TooFew");
            assert_eq!(rejected.message, "there are only 5 coins");
            assert_eq!(rejected.fields, [("coins".to_owned(), 5.into())]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_that_changes_nothing() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[FILL]).await;
    let response = rig.submit(ask(&stream, "Nothing", "{}")).await;
    assert_eq!(
        response.outcome,
        Some(v1::submit_response::Outcome::Unchanged(v1::Unchanged {
            current: Some(0)
        }))
    );
}

#[tokio::test]
async fn a_book_is_written_whole_or_not_at_all() {
    let rig = Rig::start().await;
    let stream = till();
    let book = |commands: &[(&str, &str)]| {
        let mut request = command(&stream, OPEN);
        let pages = commands.iter().map(|(name, text)| v1::CommandPage {
            command: Some(json(name, text)),
            ..Default::default()
        });
        request.book.as_mut().unwrap().pages = pages.collect();
        request
    };
    let status = rig
        .refused(book(&[OPEN, FILL, ("Take", r#"{"coins":6}"#)]))
        .await;
    assert_code(&status, Code::FailedPrecondition, "REJECTED");
    assert_eq!(rig.head().await.0, 0);
    let response = rig
        .submit(book(&[OPEN, FILL, ("Take", r#"{"coins":5}"#)]))
        .await;
    assert_eq!(place(&response), (0, 2, false));
}
