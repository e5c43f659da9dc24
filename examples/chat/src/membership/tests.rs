//! Checks what the saga asks for, without a database.

use std::collections::BTreeSet;

use seriatim::testkit::reacting;

use super::*;

const ROOT: Uuid = Uuid::from_u128(1);

fn started(kind: Kind, name: Option<&str>, members: &BTreeSet<String>) -> ConversationEvent {
    ConversationEvent::Started {
        kind,
        name: name.map(str::to_owned),
        members: members.clone(),
        by: "ann".into(),
    }
}

fn admit(user: &str) -> ReadMarksCommand {
    ReadMarksCommand::Admit { user: user.into() }
}

fn enter(kind: Kind, name: Option<&str>, members: &BTreeSet<String>) -> InboxCommand {
    InboxCommand::Enter {
        conversation: ROOT,
        kind,
        name: name.map(str::to_owned),
        members: members.clone(),
    }
}

#[test]
fn both_members_of_a_direct_conversation_see_both() {
    let pair = BTreeSet::from(["ann".to_owned(), "bob".to_owned()]);
    let entry = enter(Kind::Direct, None, &pair);
    reacting(Membership)
        .of(ROOT)
        .to(started(Kind::Direct, None, &pair))
        .then(|effects| {
            let admitted = effects.send::<ReadMarks>(ROOT, &admit("ann"));
            admitted.and(&admit("bob"));
            effects.send::<Inbox>(inbox_root("ann"), &entry);
            effects.send::<Inbox>(inbox_root("bob"), &entry);
        });
}

#[test]
fn who_leaves_and_joins_again_is_followed_in_that_order() {
    let joined = || ConversationEvent::Joined {
        user: "eve".into(),
        by: "ann".into(),
        name: "tea".into(),
    };
    let left = ConversationEvent::Left {
        user: "eve".into(),
        by: "eve".into(),
    };
    let entry = enter(Kind::Group, Some("tea"), &BTreeSet::new());
    let comes = |effects: &mut Effects| {
        effects.send::<ReadMarks>(ROOT, &admit("eve"));
        effects.send::<Inbox>(inbox_root("eve"), &entry);
    };
    reacting(Membership)
        .of(ROOT)
        .to(joined())
        .then(comes)
        .to(left)
        .then(|effects| {
            let user = "eve".into();
            let exit = InboxCommand::Exit { conversation: ROOT };
            effects.send::<ReadMarks>(ROOT, &ReadMarksCommand::Dismiss { user });
            effects.send::<Inbox>(inbox_root("eve"), &exit);
        })
        .to(joined())
        .then(comes);
}

/// A few books, each smaller than the limit of a request, and then one command for each inbox.
#[test]
fn a_large_group_is_admitted_in_books() {
    let members: BTreeSet<_> = (0..150).map(|at| format!("user {at:03}")).collect();
    let entry = enter(Kind::Group, Some("tea"), &BTreeSet::new());
    reacting(Membership)
        .of(ROOT)
        .to(started(Kind::Group, Some("tea"), &members))
        .then(|effects| {
            for book in [0..64, 64..128, 128..150] {
                let mut users = book.map(|at| admit(&format!("user {at:03}")));
                let first = users.next().unwrap();
                let sent = effects.send::<ReadMarks>(ROOT, &first);
                users.fold(sent, |sent, user| sent.and(&user));
            }
            for user in &members {
                effects.send::<Inbox>(inbox_root(user), &entry);
            }
        });
}

#[test]
fn messages_concern_nobody_here() {
    let (message, by) = ("m1".to_owned(), "ann".to_owned());
    let posted = ConversationEvent::Posted {
        message: message.clone(),
        by: by.clone(),
        text: "hey".into(),
        client_time: "4:20:00".into(),
        number: 1,
    };
    reacting(Membership)
        .of(ROOT)
        .to(posted)
        .then_nothing()
        .to(ConversationEvent::Deleted { message, by })
        .then_nothing();
}
