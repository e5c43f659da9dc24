//! Fields in the JSON of commands that their types do not have.

use seriatim_core::{
    Action, Decision, ExpectedSequence, FieldViolation, LetterStatus, MergeStrategy, Payload,
    SubmitError, UnknownFieldRule,
};
use seriatim_proto::{CallError, Client, v1};
use uuid::Uuid;

use crate::rig::*;

const FILL: &str = r#"{"coins":5,"coin":7}"#;

fn asking(rule: v1::UnknownFields, request: v1::SubmitRequest) -> v1::SubmitRequest {
    v1::SubmitRequest {
        unknown_fields: rule.into(),
        ..request
    }
}

fn told(response: &v1::SubmitResponse) -> Vec<(&str, &str)> {
    let warnings = response.warnings.iter();
    warnings
        .map(|it| (it.field.as_str(), it.description.as_str()))
        .collect()
}

#[tokio::test]
async fn they_are_named_in_the_answer_unless_the_sender_wants_something_else() {
    use v1::UnknownFields::{Ignore, Refuse, Unspecified, Warn};
    let rig = Rig::start().await;
    let stream = till();
    for (rule, has_warning) in [(Unspecified, true), (Warn, true), (Ignore, false)] {
        let response = rig.submit(asking(rule, ask(&stream, "Fill", FILL))).await;
        committed(&response);
        let warning = ("pages[0].command", "there is no field `coin`");
        assert_eq!(
            told(&response),
            if has_warning { vec![warning] } else { vec![] }
        );
    }
    let status = rig
        .refused(asking(Refuse, ask(&stream, "Fill", FILL)))
        .await;
    assert_eq!(faulty_fields(&status), ["pages[0].command"]);
    assert!(
        status.message().contains("there is no field `coin`"),
        "{status:?}"
    );
    let fine = rig
        .submit(asking(Refuse, ask(&stream, "Fill", r#"{"coins":5}"#)))
        .await;
    assert!(committed(&fine).first == 3 && told(&fine).is_empty());
}

#[tokio::test]
async fn the_server_may_be_set_to_refuse_them() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            unknown_fields: UnknownFieldRule::Refuse,
            ..ServerSettings::default()
        })
    })
    .await;
    let request = || ask(&till(), "Fill", FILL);
    assert_eq!(
        faulty_fields(&rig.refused(request()).await),
        ["pages[0].command"]
    );
    let warned = rig.submit(asking(v1::UnknownFields::Warn, request())).await;
    assert_eq!(told(&warned).len(), 1);
}

#[tokio::test]
async fn a_simulation_refuses_what_sending_would_refuse() {
    let rig = Rig::start().await;
    let request = |rule: v1::UnknownFields| v1::SimulateRequest {
        book: ask(&till(), "Fill", FILL).book,
        unknown_fields: rule.into(),
        ..Default::default()
    };
    let refused = rig
        .commands()
        .simulate(request(v1::UnknownFields::Refuse))
        .await;
    assert_eq!(faulty_fields(&refused.unwrap_err()), ["pages[0].command"]);
    let simulated = rig
        .commands()
        .simulate(request(v1::UnknownFields::Warn))
        .await;
    simulated.unwrap();
}

/// A required field is missing, because its name is misspelled: that is told whatever the rule.
#[tokio::test]
async fn a_command_that_cannot_be_read_is_refused_with_them() {
    let rig = Rig::start().await;
    let status = rig.refused(ask(&till(), "Fill", r#"{"coin":5}"#)).await;
    for told in ["there is no field `coin`", "missing field `coins`"] {
        assert!(status.message().contains(told), "{status:?}");
    }
    assert_eq!(rig.head().await.0, 0);
}

#[tokio::test]
async fn a_client_says_what_it_wants_and_gets_the_warnings() {
    let rig = Rig::start().await;
    let client = Client::connect(&rig.url, std::time::Duration::from_secs(30))
        .await
        .unwrap();
    let payload = Payload::json("Fill", FILL);
    let request = seriatim_core::CommandRequest::new(till(), payload);
    let receipt = client.submit(&request).await.unwrap();
    let wanted = FieldViolation::new("pages[0].command", "there is no field `coin`");
    assert_eq!(receipt.warnings, [wanted]);
    let strict = client.with_unknown_fields(UnknownFieldRule::Refuse);
    let refused = strict.submit(&request).await.unwrap_err();
    assert!(matches!(
        refused,
        CallError::Refused(SubmitError::Invalid(_))
    ));
}

#[tokio::test]
async fn an_edited_letter_is_held_to_its_fields() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":5}"#)]).await;
    let fill = ask(&stream, "Fill", r#"{"coins":1}"#);
    let parked = rig
        .submit(stale(
            ExpectedSequence::NoStream,
            MergeStrategy::Manual,
            fill,
        ))
        .await;
    let id = Uuid::from_slice(&dead_lettered(&parked).id.as_ref().unwrap().value).unwrap();
    let client = Client::connect(&rig.url, std::time::Duration::from_secs(30))
        .await
        .unwrap();
    let edit = |json: &'static str| Decision {
        letter: id,
        action: Action::Edit {
            commands: vec![Payload::json("Fill", json)],
            expected: ExpectedSequence::Any,
        },
        actor: None,
        reason: None,
    };
    let refused = client.decide(&edit(FILL)).await.unwrap_err();
    let told = "commands[0]: there is no field `coin`";
    assert!(
        matches!(&refused, CallError::Invalid(message) if message.contains(told)),
        "{refused:?}"
    );
    let closed = client.decide(&edit(r#"{"coins":2}"#)).await.unwrap();
    assert_eq!(closed.status(), LetterStatus::Resolved);
}
