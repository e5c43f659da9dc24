//! Checks lists of dead letters, and a letter's three sides.

use std::time::Duration;

use seriatim_core::{
    Action, ConflictReason, DeadLetter, Decision, ExpectedSequence, LetterSimulation, LetterStatus,
    MergeStrategy, OpenLetter, OperatorError, ParkReason, Payload, Sequence, Simulated, StreamId,
    Tried,
};
use seriatim_proto::{CallError, Client, convert, v1};
use tonic::{Code, Request};
use uuid::Uuid;

use crate::rig::*;

const LABEL: (&str, &str) = ("Label", r#"{"label":"theirs"}"#);

/// Parks a command on a stream of two events, of which its sender knew the first.
async fn park(rig: &Rig, stream: &StreamId, text: &str) -> Option<v1::Uuid> {
    let request = ask(stream, "Label", &format!(r#"{{"label":"{text}"}}"#));
    let mut message = Request::new(stale(0, MergeStrategy::Manual, request));
    seriatim_proto::set_actor(message.metadata_mut(), "ann");
    let response = rig.commands().submit(message).await.unwrap().into_inner();
    dead_lettered(&response).id.clone()
}

async fn list(
    rig: &Rig,
    request: v1::DeadLetterServiceListRequest,
) -> (Vec<v1::CommandLetter>, String) {
    let answer = rig.letters().list(request).await.unwrap().into_inner();
    let letters = answer
        .letters
        .into_iter()
        .map(|letter| match letter.letter {
            Some(v1::dead_letter::Letter::Command(letter)) => letter,
            other => panic!("{other:?}"),
        });
    (letters.collect(), answer.next_page_token)
}

#[tokio::test]
async fn a_letter_from_three_sides() {
    let rig = Rig::start().await;
    let stream = rig
        .till_with(&[("Label", r#"{"label":"base"}"#), LABEL])
        .await;
    let id = park(&rig, &stream, "mine").await;
    let request = v1::DeadLetterServiceGetRequest { id: id.clone() };
    let answer = rig.letters().get(request).await.unwrap().into_inner();
    assert_eq!(answer.annotations, []);
    let OpenLetter::Command(view) = answer.try_into().unwrap() else {
        panic!("it is a command")
    };
    assert_eq!(view.letter.id, convert::uuid(id.as_ref(), "id").unwrap());
    assert_eq!(view.letter.reason, ParkReason::Manual);
    assert_eq!(view.letter.status, LetterStatus::Parked);
    assert_eq!(view.letter.request.metadata.actor.as_deref(), Some("ann"));
    assert_eq!(view.letter.conflict.current, Some(Sequence(1)));
    assert_eq!(view.letter.intervening, Some((Sequence(1), Sequence(1))));
    assert!(view.letter.base_hash.is_some());
    assert_eq!(view.base.to_json().unwrap()["label"], "base");
    assert_eq!(view.theirs.to_json().unwrap()["label"], "theirs");
    assert_eq!(view.intervening.len(), 1);
    match view.yours {
        Simulated::Commits { after, .. } => assert_eq!(after.to_json().unwrap()["label"], "mine"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        view.obstacle,
        Some(ConflictReason::OrderMatters { .. })
    ));
}

#[tokio::test]
async fn letters_by_domain_stream_and_status_page_by_page() {
    let rig = Rig::start().await;
    let one = rig.till_with(&[LABEL, LABEL]).await;
    let other = rig.till_with(&[LABEL, LABEL]).await;
    let mut parked = Vec::new();
    for n in 0..5 {
        parked.push(park(&rig, if n == 2 { &other } else { &one }, "x").await);
    }
    let of = |stream: &StreamId| v1::DeadLetterServiceListRequest {
        domain: stream.domain.to_string(),
        root: Some(stream.root.into()),
        ..Default::default()
    };
    assert_eq!(list(&rig, of(&one)).await.0.len(), 4);
    assert_eq!(list(&rig, of(&other)).await.0.len(), 1);
    let by_status = |status: v1::DeadLetterStatus| v1::DeadLetterServiceListRequest {
        status: status.into(),
        domain: "till".into(),
        ..Default::default()
    };
    assert_eq!(
        list(&rig, by_status(v1::DeadLetterStatus::Parked))
            .await
            .0
            .len(),
        5
    );
    assert_eq!(
        list(&rig, by_status(v1::DeadLetterStatus::Resolved))
            .await
            .0
            .len(),
        0
    );

    let mut seen = Vec::new();
    let mut page_token = String::new();
    for expected in [2, 2, 1] {
        let request = v1::DeadLetterServiceListRequest {
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let (letters, next) = list(&rig, request).await;
        assert_eq!(letters.len(), expected);
        seen.extend(letters.into_iter().map(|letter| letter.id));
        page_token = next;
    }
    assert_eq!(page_token, "");
    assert_eq!(seen, parked);
}

#[tokio::test]
async fn large_letters_make_shorter_pages() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[LABEL, LABEL]).await;
    for _ in 0..5 {
        park(&rig, &stream, &"x".repeat(900_000)).await;
    }
    let mut seen = 0;
    let mut request = v1::DeadLetterServiceListRequest::default();
    // No letter is smaller than a page.
    for _ in 0..6 {
        let (letters, next) = list(&rig, request.clone()).await;
        seen += letters.len();
        request.page_token = next;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!((seen, request.page_token.as_str()), (5, ""));
}

#[tokio::test]
async fn what_resubmitting_would_give() {
    let rig = Rig::start().await;
    let stream = rig
        .till_with(&[("Label", r#"{"label":"base"}"#), LABEL])
        .await;
    let id = park(&rig, &stream, "mine").await;
    let request = v1::DeadLetterServiceSimulateRequest { id };
    let answer = rig.letters().simulate(request).await.unwrap().into_inner();
    let LetterSimulation::Command(simulation) = answer.try_into().unwrap() else {
        panic!("it is a command")
    };
    assert_eq!(simulation.before.to_json().unwrap()["label"], "theirs");
    match simulation.outcome {
        Simulated::Commits { after, .. } => assert_eq!(after.to_json().unwrap()["label"], "mine"),
        other => panic!("{other:?}"),
    }
    for _ in 0..6 {
        park(&rig, &stream, "mine").await;
    }
    let mut request = v1::DeadLetterServiceForecastRequest {
        page_size: 3,
        ..Default::default()
    };
    let mut counted = Vec::new();
    while counted.is_empty() || !request.page_token.is_empty() {
        assert!(counted.len() < 3, "the pages do not end");
        let answer = rig.letters().forecast(request.clone()).await.unwrap();
        let answer = answer.into_inner();
        counted.push(answer.forecast.unwrap().committed);
        request.page_token = answer.next_page_token;
    }
    assert_eq!(counted, [3, 3, 1]);
    assert_eq!(rig.history(&stream).await.len(), 2);
    let nowhere = v1::DeadLetterServiceForecastRequest {
        domain: "nothing".into(),
        ..Default::default()
    };
    let status = rig.letters().forecast(nowhere).await.unwrap_err();
    assert_code(&status, Code::NotFound, "UNKNOWN_DOMAIN");
}

/// Through the client, as the command line and a console do it.
#[tokio::test]
async fn another_command_in_place_of_a_parked_one() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[LABEL, LABEL]).await;
    let id = park(&rig, &stream, "mine").await;
    let letter = convert::uuid(id.as_ref(), "id").unwrap();
    let client = Client::connect(&rig.url, Duration::from_secs(60))
        .await
        .unwrap();
    let edit = |command: Payload, expected| Decision {
        letter,
        action: Action::Edit {
            commands: vec![command],
            expected,
        },
        actor: Some("zoe".into()),
        reason: Some("the customer called".into()),
    };
    let label = |text: &str| Payload::json("Label", format!(r#"{{"label":"{text}"}}"#));
    let any = ExpectedSequence::Any;

    let slip = client.decide(&edit(Payload::json("Sing", "{}"), any)).await;
    match slip.unwrap_err() {
        CallError::Invalid(text) => assert!(text.contains("commands[0]"), "{text}"),
        other => panic!("{other}"),
    }
    let elsewhere = ExpectedSequence::Exactly(Sequence(0));
    match client
        .decide(&edit(label("ours"), elsewhere))
        .await
        .unwrap_err()
    {
        CallError::Refused(OperatorError::Moved { id, conflict, .. }) => {
            assert_eq!((id, conflict.current), (letter, Some(Sequence(1))));
        }
        other => panic!("{other}"),
    }
    let here = ExpectedSequence::Exactly(Sequence(1));
    let DeadLetter::Command(closed) = client.decide(&edit(label("ours"), here)).await.unwrap()
    else {
        panic!("it is a command")
    };
    assert_eq!(closed.status, LetterStatus::Resolved);
    assert_eq!(closed.attempts.len(), 1);
    let commands = vec![label("ours")];
    assert_eq!(closed.attempts[0].tried, Some(Tried::Edit { commands }));
    match client.decide(&edit(label("late"), any)).await.unwrap_err() {
        CallError::Refused(OperatorError::Closed { by, .. }) => {
            let by = by.unwrap();
            assert_eq!(
                (by.actor.as_deref(), by.at),
                (Some("zoe"), closed.attempts[0].at)
            );
        }
        other => panic!("{other}"),
    }
    let history = rig.history(&stream).await;
    assert_eq!(history.len(), 3);
}

#[tokio::test]
async fn what_happened_in_place_of_a_parked_command() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[LABEL, LABEL]).await;
    let id = park(&rig, &stream, "mine").await;
    let request = v1::DeadLetterServiceRecordRequest {
        id,
        event: Some(convert::json_any(
            "Labelled",
            r#"{"label":"by hand"}"#.into(),
        )),
        source: "paper".into(),
        description: "somebody has written it on the till".into(),
        external_id: "note-1".into(),
        ..Default::default()
    };
    let unnamed = v1::DeadLetterServiceRecordRequest {
        external_id: String::new(),
        ..request.clone()
    };
    let status = rig.letters().record(unnamed).await.unwrap_err();
    assert_code(&status, Code::InvalidArgument, "INVALID");
    let answer = rig.letters().record(request.clone()).await.unwrap();
    let letter = answer.into_inner().letter.unwrap();
    let DeadLetter::Command(closed) = letter.try_into().unwrap() else {
        panic!("it is a command")
    };
    assert_eq!(closed.status, LetterStatus::Resolved);
    assert_eq!(rig.history(&stream).await.len(), 3);
    let status = rig.letters().record(request).await.unwrap_err();
    assert_code(&status, Code::FailedPrecondition, "DEAD_LETTER_CLOSED");
}

#[tokio::test]
async fn a_letter_that_does_not_exist() {
    let rig = Rig::start().await;
    let id = Some(Uuid::now_v7().into());
    let request = v1::DeadLetterServiceSimulateRequest { id };
    let status = rig.letters().simulate(request).await.unwrap_err();
    assert_code(&status, Code::NotFound, "UNKNOWN_DEAD_LETTER");
    let request = v1::DeadLetterServiceGetRequest {
        id: Some(Uuid::now_v7().into()),
    };
    let status = rig.letters().get(request).await.unwrap_err();
    assert_code(&status, Code::NotFound, "UNKNOWN_DEAD_LETTER");
}
