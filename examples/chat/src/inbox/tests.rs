//! Checks what an inbox does, without a database.

use proptest::prelude::*;
use seriatim::testkit::{commutes, given, given_no_events, proptest};

use super::*;

const ONE: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

fn enter(conversation: Uuid, name: &str) -> InboxCommand {
    InboxCommand::Enter {
        conversation,
        kind: Kind::Group,
        name: Some(name.into()),
        members: BTreeSet::new(),
    }
}

fn entered(conversation: Uuid, name: &str) -> InboxEvent {
    InboxEvent::Entered {
        conversation,
        kind: Kind::Group,
        name: Some(name.into()),
        members: BTreeSet::new(),
    }
}

#[test]
fn conversations_are_entered_and_exited() {
    let exit = |conversation| InboxCommand::Exit { conversation };
    given_no_events::<Inbox>()
        .when(exit(ONE))
        .then([])
        .when(enter(ONE, "tea"))
        .then([entered(ONE, "tea")])
        .when(enter(ONE, "tea"))
        .then([])
        .when(enter(ONE, "coffee"))
        .then([entered(ONE, "coffee")])
        .when(enter(OTHER, "coffee"))
        .then([entered(OTHER, "coffee")])
        .when(exit(ONE))
        .then([InboxEvent::Exited { conversation: ONE }])
        .then_state_is(|inbox| inbox.conversations.keys().eq([&OTHER]));
}

#[test]
fn a_direct_conversation_shows_its_members() {
    let members = BTreeSet::from(["ann".to_owned(), "bob".to_owned()]);
    let direct = InboxCommand::Enter {
        conversation: ONE,
        kind: Kind::Direct,
        name: None,
        members: members.clone(),
    };
    given::<Inbox>([entered(OTHER, "tea")])
        .when(direct)
        .then_state_is(|inbox| inbox.conversations[&ONE].members == members);
}

#[test]
fn what_is_merged_equals_some_serial_order() {
    let conversation = || prop::sample::select(vec![ONE, OTHER]);
    let command = prop_oneof![
        2 => (conversation(), "[ab]").prop_map(|(conversation, name)| enter(conversation, &name)),
        1 => conversation().prop_map(|conversation| InboxCommand::Exit { conversation }),
    ];
    println!("{}", commutes::<Inbox>(command).run());
}
