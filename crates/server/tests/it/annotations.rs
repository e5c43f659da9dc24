//! Checks notes about dead letters, who looks after them, and their faults.

use std::time::Duration;

use seriatim_core::{
    Annotate, Annotated, Annotation, Assignee, LetterFilter, MergeStrategy, OperatorError,
    StreamId, Verb,
};
use seriatim_proto::{CallError, Client, convert, v1};
use uuid::Uuid;

use crate::rig::*;

const LABEL: (&str, &str) = ("Label", r#"{"label":"theirs"}"#);

struct Desk {
    rig: Rig,
    client: Client,
    stream: StreamId,
}

impl Desk {
    async fn open() -> Self {
        let rig = Rig::start().await;
        let stream = rig.till_with(&[LABEL, LABEL]).await;
        let client = Client::connect(&rig.url, Duration::from_secs(60)).await;
        let client = client.unwrap();
        Self {
            rig,
            client,
            stream,
        }
    }

    async fn park(&self) -> Uuid {
        let request = ask(&self.stream, "Label", r#"{"label":"mine"}"#);
        let sent = stale(0, MergeStrategy::Manual, request);
        let answer = self.rig.submit(sent).await;
        convert::uuid(dead_lettered(&answer).id.as_ref(), "id").unwrap()
    }

    async fn history(&self, letter: Uuid) -> Vec<(Option<String>, Annotated)> {
        let (_, annotations) = self.client.letter(letter).await.unwrap();
        let said = annotations.into_iter();
        said.map(|Annotation { actor, what, .. }| (actor, what))
            .collect()
    }

    async fn assign(
        &self,
        letter: Uuid,
        to: &str,
        from: Option<&str>,
    ) -> Result<Annotation, OperatorError> {
        let what = Annotate::Assign {
            to: Assignee::named(to),
            from: from.map(Assignee::named),
        };
        refusal(self.client.annotate(letter, &what, Some(to)).await)
    }

    /// Returns the letters that a person looks after, and the names that the list shows.
    async fn of(&self, name: &str) -> Vec<(Uuid, Option<String>)> {
        let filter = LetterFilter {
            assignee: Some(Assignee::named(name)),
            ..LetterFilter::default()
        };
        let (letters, _) = self.client.letters(&filter, None).await.unwrap();
        let letters = letters.into_iter();
        letters
            .map(|listed| (listed.letter.id(), listed.assignee))
            .collect()
    }
}

fn refusal<T>(answer: Result<T, CallError<OperatorError>>) -> Result<T, OperatorError> {
    answer.map_err(|error| match error {
        CallError::Refused(refused) => refused,
        other => panic!("{other:?}"),
    })
}

fn invalid<T: std::fmt::Debug>(answer: Result<T, CallError<OperatorError>>) -> String {
    match answer {
        Err(CallError::Invalid(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn notes_and_assignments_are_kept_in_order_with_their_authors() {
    let desk = Desk::open().await;
    let (one, other) = (desk.park().await, desk.park().await);
    let note = |text: &str| Annotate::Note(text.into());
    let hostile = "<script>\u{202e}\u{1b}[31m \"it's\" 🦀";
    let added = desk
        .client
        .annotate(one, &note(hostile), Some("ann"))
        .await
        .unwrap();
    assert_eq!(added.what, Annotated::Note(hostile.into()));
    desk.assign(one, "ann", None).await.unwrap();
    desk.assign(one, "", None).await.unwrap();
    desk.assign(one, "bob", None).await.unwrap();
    desk.client
        .annotate(one, &note("a\0b"), None)
        .await
        .unwrap();
    let history = desk.history(one).await;
    let expected = [
        (Some("ann".to_owned()), Annotated::Note(hostile.into())),
        (Some("ann".to_owned()), Annotated::Assigned("ann".into())),
        (None, Annotated::Unassigned),
        (Some("bob".to_owned()), Annotated::Assigned("bob".into())),
        (None, Annotated::Note("a\u{fffd}b".into())),
    ];
    assert_eq!(history, expected);
    assert_eq!(desk.of("bob").await, [(one, Some("bob".to_owned()))]);
    assert_eq!(desk.of("").await, [(other, None)]);
    assert_eq!(desk.of("ann").await, []);
}

/// Of two people who take a letter that nobody looks after, one is told that it has become the other's.
#[tokio::test]
async fn two_people_do_not_both_take_a_letter() {
    let desk = Desk::open().await;
    let letter = desk.park().await;
    let (ann, bob) = tokio::join!(
        desk.assign(letter, "ann", Some("")),
        desk.assign(letter, "bob", Some("")),
    );
    let (winner, loser) = match (ann, bob) {
        (Ok(_), Err(error)) => ("ann", error),
        (Err(error), Ok(_)) => ("bob", error),
        other => panic!("{other:?}"),
    };
    let OperatorError::Assigned { id, to, by } = loser else {
        panic!("{loser:?}");
    };
    assert_eq!((id, to.as_deref()), (letter, Some(winner)));
    assert_eq!(by.unwrap().actor.as_deref(), Some(winner));
    assert_eq!(desk.history(letter).await.len(), 1);
    // Who saw what is there may change it.
    desk.assign(letter, "eve", Some(winner)).await.unwrap();
    let error = desk.assign(letter, "ann", Some(winner)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("eve looks after the dead letter"),
        "{error}"
    );
}

#[tokio::test]
async fn notes_outlive_a_letter_and_assignments_do_not() {
    let desk = Desk::open().await;
    let letter = desk.park().await;
    let discard = seriatim_core::Decision {
        letter,
        action: Verb::Discard.into(),
        actor: None,
        reason: Some("nobody needs it".into()),
    };
    desk.client.decide(&discard).await.unwrap();
    let note = Annotate::Note("a customer asked why".into());
    desk.client.annotate(letter, &note, None).await.unwrap();
    assert_eq!(desk.history(letter).await.len(), 1);
    let error = desk.assign(letter, "ann", None).await.unwrap_err();
    assert!(matches!(error, OperatorError::Closed { .. }), "{error:?}");
    let unknown = desk.assign(Uuid::now_v7(), "ann", None).await.unwrap_err();
    assert!(unknown.to_string().contains("no dead letter"), "{unknown}");
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let desk = Desk::open().await;
    let letter = desk.park().await;
    let note = |text: &str| Annotate::Note(text.into());
    let write = async |what: Annotate| desk.client.annotate(letter, &what, None).await;
    for empty in ["", "  \n\t"] {
        let why = invalid(write(note(empty)).await);
        assert!(why.contains("empty"), "{why}");
    }
    let long = "x".repeat(16 * 1024 + 1);
    let why = invalid(write(note(&long)).await);
    assert!(why.contains("16384"), "{why}");
    write(note(&long[1..])).await.unwrap();
    let long_name = Annotate::Assign {
        to: Assignee::named(&"é".repeat(129)),
        from: None,
    };
    assert!(invalid(write(long_name).await).contains("256"));
    let blank = Annotate::Assign {
        to: Assignee::Person(" ".into()),
        from: None,
    };
    assert!(invalid(write(blank).await).contains("empty"));
    assert_eq!(desk.history(letter).await.len(), 1);
    let request = v1::DeadLetterServiceAnnotateRequest {
        id: None,
        note: "x".into(),
    };
    let status = desk.rig.letters().annotate(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn letters_are_counted_listed_and_decided_by_their_fault() {
    let desk = Desk::open().await;
    let mut parked = [desk.park().await, desk.park().await, desk.park().await];
    parked.sort_unstable();
    let all = LetterFilter::default();
    let groups = desk.client.fault_groups(&all).await.unwrap();
    let [group] = &groups[..] else {
        panic!("{groups:?}");
    };
    assert_eq!(
        (group.count, group.first, group.last),
        (3, parked[0], parked[2])
    );
    assert_eq!(group.component, None);
    assert!(group.fault.contains("manual merge"), "{}", group.fault);
    assert!(group.first_seen() <= group.last_seen());
    let of_fault = LetterFilter {
        fault: Some(group.fault.clone()),
        ..all.clone()
    };
    let (letters, _) = desk.client.letters(&of_fault, None).await.unwrap();
    assert_eq!(letters.len(), 3);
    let (forecast, _) = desk.client.forecast(&of_fault, None).await.unwrap();
    assert_eq!(forecast.letters(), 3);
    let of_other = LetterFilter {
        fault: Some("nobody answers".into()),
        ..all.clone()
    };
    let (letters, _) = desk.client.letters(&of_other, None).await.unwrap();
    assert_eq!(letters, []);
    let (forecast, _) = desk.client.forecast(&of_other, None).await.unwrap();
    assert_eq!(forecast.letters(), 0);
    assert_eq!(desk.client.fault_groups(&of_fault).await.unwrap(), groups);
    assert_eq!(desk.client.fault_groups(&of_other).await.unwrap(), []);
    let nowhere = LetterFilter {
        domain: Some("nowhere".parse().unwrap()),
        ..all
    };
    let error = refusal(desk.client.fault_groups(&nowhere).await).unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}
