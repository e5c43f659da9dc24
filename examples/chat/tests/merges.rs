//! What the members of a conversation see when they change it at once, in an application.

use chat::{Conversation, ConversationCommand, ConversationEvent, direct_root};
use seriatim::prelude::*;
use seriatim::{AggregateRef, ConflictReason, SequenceConflict};

use ConversationCommand as Do;

/// Ann and Bob have a conversation, in which Ann has posted `m1` and `m2`. The sequence of the last event is 2.
async fn app() -> App {
    let app = App::open("memory:").await.unwrap();
    let app = app.aggregate::<Conversation>().start().await.unwrap();
    let started = Do::Start {
        by: "ann".into(),
        with: "bob".into(),
    };
    of(&app).send(started).await.unwrap();
    for message in ["m1", "m2"] {
        of(&app).send(post("ann", message)).await.unwrap();
    }
    app
}

fn of(app: &App) -> AggregateRef<'_, Conversation> {
    app.of(direct_root("ann", "bob"))
}

fn post(by: &str, message: &str) -> ConversationCommand {
    Do::Post {
        by: by.into(),
        message: message.into(),
        text: "hey".into(),
        client_time: "4:20:00".into(),
    }
}

/// An edit by Ann of a message that was never edited.
fn edit(message: &str, text: &str) -> ConversationCommand {
    Do::Edit {
        by: "ann".into(),
        message: message.into(),
        revision: 1,
        text: text.into(),
    }
}

fn delete(message: &str) -> ConversationCommand {
    Do::Delete {
        by: "ann".into(),
        message: message.into(),
    }
}

fn react(by: &str, message: &str) -> ConversationCommand {
    Do::React {
        by: by.into(),
        message: message.into(),
        emoji: "\u{1f44d}".into(),
    }
}

/// `mine` is sent by somebody who has seen the conversation as it begins here, and not `theirs`.
async fn collide(
    app: &App,
    theirs: ConversationCommand,
    mine: ConversationCommand,
) -> Result<Receipt, SubmitError> {
    of(app).send(theirs).expecting(2).await.unwrap();
    of(app).send(mine).expecting(2).await
}

async fn merges(theirs: ConversationCommand, mine: ConversationCommand) -> Conversation {
    let app = app().await;
    let receipt = collide(&app, theirs, mine).await.unwrap();
    match receipt.outcome {
        Outcome::Committed(commit) => assert!(commit.merged),
        other => panic!("not merged: {other:?}"),
    }
    let state = of(&app).state().await.unwrap().state;
    app.shutdown().await.unwrap();
    state
}

/// Returns the conflict, and the event that the sender had not seen.
async fn conflicts(
    theirs: ConversationCommand,
    mine: ConversationCommand,
) -> (SequenceConflict, ConversationEvent) {
    let app = app().await;
    let conflict = match collide(&app, theirs, mine).await {
        Err(SubmitError::Conflict(conflict)) => *conflict,
        other => panic!("not a conflict: {other:?}"),
    };
    app.shutdown().await.unwrap();
    let [intervening] = &*conflict.intervening else {
        panic!("not one event: {:?}", conflict.intervening)
    };
    let event = intervening.of::<Conversation>().unwrap().unwrap();
    (conflict, event)
}

#[tokio::test]
async fn a_message_is_edited_while_somebody_posts() {
    let conversation = merges(post("bob", "m3"), edit("m1", "hello")).await;
    assert_eq!(conversation.recent["m1"].revision, 2);
    assert_eq!(conversation.messages, 3);
}

#[tokio::test]
async fn the_second_of_two_edits_is_shown_the_text_of_the_first() {
    let (conflict, event) = conflicts(edit("m1", "hello"), edit("m1", "hi")).await;
    assert_eq!(conflict.reason, ConflictReason::RejectedNow);
    assert_eq!(conflict.rejection.unwrap().code, "OtherRevision");
    let expected = ConversationEvent::Edited {
        message: "m1".into(),
        by: "ann".into(),
        text: "hello".into(),
        revision: 2,
    };
    assert_eq!(event, expected);
}

/// Nothing came between that the sender has not seen: the sender is wrong about the revision.
#[tokio::test]
async fn another_revision_than_the_expected_state_has_is_rejected() {
    let app = app().await;
    of(&app).send(edit("m1", "hello")).await.unwrap();
    let rejected = of(&app).send(edit("m1", "hi")).expecting(3).await;
    let Err(SubmitError::Rejected(rejected)) = rejected else {
        panic!("not rejected: {rejected:?}")
    };
    assert_eq!(rejected.code, "OtherRevision");
    assert_eq!(rejected.message, "the message is at revision 2 by now");
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn two_messages_are_edited_at_once() {
    let conversation = merges(edit("m1", "hello"), edit("m2", "hi")).await;
    let revision = |message: &str| conversation.recent[message].revision;
    assert_eq!((revision("m1"), revision("m2")), (2, 2));
}

#[tokio::test]
async fn an_edit_and_a_deletion_of_one_message_collide_whichever_is_first() {
    let (conflict, event) = conflicts(delete("m1"), edit("m1", "hello")).await;
    assert_eq!(conflict.rejection.unwrap().code, "DeletedAlready");
    assert!(matches!(event, ConversationEvent::Deleted { .. }));

    let (conflict, event) = conflicts(edit("m1", "hello"), delete("m1")).await;
    let fields = vec!["recent.m1.revision".parse().unwrap()];
    assert_eq!(conflict.reason, ConflictReason::OrderMatters { fields });
    assert!(matches!(event, ConversationEvent::Edited { text, .. } if text == "hello"));
}

#[tokio::test]
async fn two_members_react_to_one_message_at_once() {
    let conversation = merges(react("ann", "m1"), react("bob", "m1")).await;
    assert_eq!(conversation.recent["m1"].reactions["\u{1f44d}"].len(), 2);
    // The message is edited or deleted whatever others think of it.
    let conversation = merges(react("bob", "m1"), edit("m1", "hello")).await;
    assert_eq!(conversation.recent["m1"].revision, 2);
    let conversation = merges(react("bob", "m1"), delete("m1")).await;
    assert!(conversation.recent["m1"].deleted);
}

/// A full conversation, and more events in between than the states of which could be compared field by field.
#[tokio::test]
async fn an_edit_merges_however_much_is_said_meanwhile() {
    let app = app().await;
    for number in 3..=1000 {
        let post = post("bob", &format!("0192f0c1-8a00-7000-8000-{number:012}"));
        of(&app).send(post).await.unwrap();
    }
    let seen = of(&app).state().await.unwrap().sequence.unwrap();
    for number in 0..250 {
        let message = format!("0192f0c1-8a00-7000-8000-{:012}", 1000 - number);
        of(&app).send(react("ann", &message)).await.unwrap();
    }
    let receipt = of(&app).send(edit("m1", "hello")).expecting(seen).await;
    assert!(matches!(receipt.unwrap().outcome, Outcome::Committed(commit) if commit.merged));
    app.shutdown().await.unwrap();
}
