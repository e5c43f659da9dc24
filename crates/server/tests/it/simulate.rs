//! Checks that simulations say what would become of a command, now or then, and write nothing.

use seriatim_core::{At, MergeStrategy, Sequence, Simulated, Simulation};
use seriatim_proto::v1;

use crate::rig::*;

async fn simulate(rig: &Rig, request: v1::SubmitRequest, at: At) -> Simulation {
    let request = v1::SimulateRequest {
        at: match at {
            At::Current => None,
            At::Sequence(Sequence(sequence)) => {
                Some(v1::simulate_request::At::AtSequence(sequence))
            }
            At::Time(time) => Some(v1::simulate_request::At::AsOf(time.into())),
        },
        book: request.book,
        premises: request.premises,
        unknown_fields: request.unknown_fields,
    };
    let response = rig.commands().simulate(request).await.unwrap().into_inner();
    response.try_into().unwrap()
}

#[tokio::test]
async fn shows_the_state_before_and_after_and_writes_nothing() {
    let rig = Rig::start().await;
    let stream = rig
        .till_with(&[("Fill", r#"{"coins":5}"#), ("Fill", r#"{"coins":1}"#)])
        .await;
    let before = rig.head().await;
    let request = under("till-7/1", ask(&stream, "Take", r#"{"coins":2}"#));
    let simulation = simulate(&rig, request.clone(), At::Current).await;
    assert_eq!(simulation.before.sequence, Some(Sequence(1)));
    assert_eq!(simulation.before.to_json().unwrap()["coins"], 6);
    match simulation.outcome {
        Simulated::Commits {
            events,
            merged,
            after,
        } => {
            assert_eq!(events.len(), 1);
            assert!(!merged);
            assert_eq!(
                (after.sequence, &after.to_json().unwrap()["coins"]),
                (Some(Sequence(2)), &4.into())
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(rig.head().await, before);
    // No external id was spent either.
    committed(&rig.submit(request).await);
}

#[tokio::test]
async fn a_past_state() {
    let rig = Rig::start().await;
    let stream = rig
        .till_with(&[("Fill", r#"{"coins":5}"#), ("Take", r#"{"coins":5}"#)])
        .await;
    let take = || ask(&stream, "Take", r#"{"coins":5}"#);
    let now = simulate(&rig, take(), At::Current).await;
    assert!(matches!(now.outcome, Simulated::Rejected(no) if no.code == "TooFew"));
    let then = simulate(&rig, take(), At::Sequence(Sequence(0))).await;
    assert!(
        matches!(then.outcome, Simulated::Commits { .. }),
        "{then:?}"
    );
    let first = rig
        .coordinator
        .store()
        .read_stream(&stream, Sequence::FIRST, 1)
        .await
        .unwrap();
    let long_ago = time(first[0].recorded_at.as_micros() - 1);
    let then = simulate(&rig, take(), At::Time(long_ago)).await;
    assert_eq!(then.before.sequence, None);
}

fn time(micros: i64) -> seriatim_core::Timestamp {
    seriatim_core::Timestamp::from_micros(micros)
}

#[tokio::test]
async fn what_would_be_refused_parked_or_repeated() {
    let rig = Rig::start().await;
    let stream = rig
        .till_with(&[("Fill", r#"{"coins":5}"#), ("Label", r#"{"label":"a"}"#)])
        .await;
    let label = || ask(&stream, "Label", r#"{"label":"b"}"#);
    let outcome = |strategy| simulate(&rig, stale(0, strategy, label()), At::Current);
    let strict = outcome(MergeStrategy::Strict).await.outcome;
    assert!(matches!(strict, Simulated::Conflict(_)), "{strict:?}");
    let manual = outcome(MergeStrategy::Manual).await.outcome;
    assert!(matches!(manual, Simulated::Parks(_)), "{manual:?}");
    let fill = stale(
        0,
        MergeStrategy::Commutative,
        ask(&stream, "Fill", r#"{"coins":1}"#),
    );
    let merged = simulate(&rig, fill, At::Current).await.outcome;
    assert!(
        matches!(merged, Simulated::Commits { merged: true, .. }),
        "{merged:?}"
    );

    let request = under("till-7/1", label());
    rig.submit(request.clone()).await;
    let again = simulate(&rig, request, At::Current).await.outcome;
    assert!(matches!(again, Simulated::Duplicate(_)), "{again:?}");
    let other = under("till-7/1", ask(&stream, "Nothing", "{}"));
    let reused = simulate(&rig, other, At::Current).await.outcome;
    assert!(
        matches!(reused, Simulated::ExternalIdReused(_)),
        "{reused:?}"
    );
    let nothing = simulate(&rig, ask(&stream, "Nothing", "{}"), At::Current)
        .await
        .outcome;
    assert_eq!(nothing, Simulated::Unchanged);
    assert_eq!(rig.letter_count().await, 0);
}

#[tokio::test]
async fn bad_input_is_refused_as_it_is_on_submission() {
    let rig = Rig::start().await;
    let simulate = |request: v1::SubmitRequest| {
        let request = v1::SimulateRequest {
            book: request.book,
            ..Default::default()
        };
        let mut commands = rig.commands();
        async move { commands.simulate(request).await.unwrap_err() }
    };
    let status = simulate(ask(&till(), "Fil", "{}")).await;
    assert_eq!(faulty_fields(&status), ["pages[0].command"]);
    let mut request = ask(&till(), "Fill", r#"{"coins":1}"#);
    request.book.as_mut().unwrap().cover = None;
    assert_eq!(faulty_fields(&simulate(request).await), ["cover"]);
    let mut request = ask(&till(), "Fill", r#"{"coins":1}"#);
    request.book.as_mut().unwrap().pages.clear();
    assert_eq!(faulty_fields(&simulate(request).await), ["pages"]);
}
