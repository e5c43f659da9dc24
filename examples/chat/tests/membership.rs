//! Read marks and inboxes follow the members of conversations, in an application.

use std::collections::BTreeMap;

use chat::inbox::Entry;
use chat::{
    Conversation, ConversationCommand, Inbox, Kind, Membership, ReadMarks, ReadMarksCommand,
    direct_root, inbox_root,
};
use seriatim::prelude::*;
use seriatim::testkit::PATIENCE;

use ConversationCommand as Do;

async fn app() -> App {
    App::open("memory:?partitions=2")
        .await
        .unwrap()
        .aggregate::<Conversation>()
        .aggregate::<ReadMarks>()
        .aggregate::<Inbox>()
        .saga(Membership)
        .start()
        .await
        .unwrap()
}

/// Sends a command, and waits until the saga has done what follows.
async fn send(app: &App, root: Uuid, command: ConversationCommand) {
    let sent = app.of::<Conversation>(root).send(command);
    let handled = sent.wait_for(Membership::NAME).within(PATIENCE);
    handled.await.unwrap();
}

async fn inbox(app: &App, user: &str) -> BTreeMap<Uuid, Entry> {
    let inbox = app.of::<Inbox>(inbox_root(user)).state().await.unwrap();
    inbox.state.conversations
}

async fn marks(app: &App, root: Uuid) -> BTreeMap<String, u32> {
    let read = app.of::<ReadMarks>(root).state().await.unwrap();
    read.state.marks
}

fn start_group(members: &[String]) -> ConversationCommand {
    Do::StartGroup {
        by: "ann".into(),
        name: "tea".into(),
        members: members.to_vec(),
    }
}

#[tokio::test]
async fn both_find_their_conversation_and_read_marks() {
    let app = app().await;
    let root = direct_root("ann", "bob");
    let start = Do::Start {
        by: "ann".into(),
        with: "bob".into(),
    };
    send(&app, root, start).await;
    for user in ["ann", "bob"] {
        let entry = &inbox(&app, user).await[&root];
        assert_eq!(entry.kind, Kind::Direct);
        assert_eq!(entry.name, None);
        assert!(entry.members.iter().eq(["ann", "bob"]));
    }
    assert!(inbox(&app, "eve").await.is_empty());
    let mark = |by: &str| ReadMarksCommand::Mark {
        by: by.into(),
        number: 3,
    };
    let read = app.of::<ReadMarks>(root);
    read.send(mark("bob")).await.unwrap();
    // She has seen that both were admitted, and not that Bob has read something.
    let merged = read.send(mark("ann")).expecting(1).await.unwrap();
    assert!(matches!(merged.outcome, Outcome::Committed(commit) if commit.merged));
    let stranger = read.send(mark("eve")).await.unwrap_err();
    assert!(
        matches!(&stranger, SubmitError::Rejected(rejected) if rejected.code == "NotAMember"),
        "{stranger}"
    );
    let expected = BTreeMap::from([("ann".to_owned(), 3), ("bob".to_owned(), 3)]);
    assert_eq!(marks(&app, root).await, expected);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn who_comes_and_goes_is_followed_to_the_end() {
    let app = app().await;
    let root = Uuid::now_v7();
    let invite = || Do::Invite {
        by: "ann".into(),
        user: "eve".into(),
    };
    let leave = || Do::Leave { by: "eve".into() };
    send(&app, root, start_group(&[])).await;
    assert!(inbox(&app, "eve").await.is_empty());
    send(&app, root, invite()).await;
    assert_eq!(inbox(&app, "eve").await[&root].name.as_deref(), Some("tea"));
    send(&app, root, leave()).await;
    assert!(inbox(&app, "eve").await.is_empty());
    assert!(marks(&app, root).await.keys().eq(["ann"]));

    // Nobody waits in between: the saga has several to do, and does them in order.
    let group = app.of::<Conversation>(root);
    for _ in 0..20 {
        group.send(invite()).await.unwrap();
        group.send(leave()).await.unwrap();
    }
    send(&app, root, invite()).await;
    assert!(inbox(&app, "eve").await.contains_key(&root));
    assert!(marks(&app, root).await.keys().eq(["ann", "eve"]));
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn every_member_of_the_largest_group_finds_it() {
    let app = app().await;
    let root = Uuid::now_v7();
    let members: Vec<_> = (1..256).map(|at| format!("user {at}")).collect();
    send(&app, root, start_group(&members)).await;
    for user in members.iter().map(String::as_str).chain(["ann"]) {
        assert!(inbox(&app, user).await.contains_key(&root), "{user}");
    }
    assert_eq!(marks(&app, root).await.len(), 256);
    app.shutdown().await.unwrap();
}
