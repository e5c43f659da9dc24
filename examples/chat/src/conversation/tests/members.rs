//! Who is in a conversation.

use seriatim::prelude::Uuid;
use seriatim::testkit::{given, given_no_events};

use super::*;
use crate::conversation::{Conversation, ConversationRejection, MOST_MEMBERS, check_root};
use crate::users::{InvalidUser, direct_root};

fn start(by: &str, with: &str) -> ConversationCommand {
    Do::Start {
        by: by.into(),
        with: with.into(),
    }
}

fn start_group(name: &str, members: &[String]) -> ConversationCommand {
    Do::StartGroup {
        by: "ann".into(),
        name: name.into(),
        members: members.to_vec(),
    }
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("user {at}")).collect()
}

/// Every command but those that start a conversation.
fn all_by(user: &str) -> Vec<ConversationCommand> {
    vec![
        invite(user, "eve"),
        remove(user, "bob"),
        leave(user),
        post(user, "m2"),
        edit(user, "m1", 1),
        delete(user, "m1"),
        react(user, "m1", "\u{1f44d}"),
        unreact(user, "m1", "\u{1f44d}"),
    ]
}

#[test]
fn a_direct_conversation_is_started_once_by_either() {
    given_no_events::<Conversation>()
        .when(start("ann", "bob"))
        .then([direct()])
        .when(start("ann", "bob"))
        .then([])
        .when(start("bob", "ann"))
        .then([])
        .when(start("ann", "eve"))
        .then_rejected("AlreadyStarted");
    given::<Conversation>([group(&["ann", "bob"])])
        .when(start("ann", "bob"))
        .then_rejected("AlreadyStarted");
}

#[test]
fn a_direct_conversation_is_with_somebody_else_who_has_a_name() {
    given_no_events::<Conversation>()
        .when(start("ann", "ann"))
        .then_rejected("WithYourself");
    let why = InvalidUser::Slash;
    for (by, with) in [("ann/", "bob"), ("ann", "b/ob")] {
        given_no_events::<Conversation>()
            .when(start(by, with))
            .then_rejected(ConversationRejection::InvalidUser { why });
    }
}

#[test]
fn nobody_comes_to_a_direct_conversation_or_leaves_it() {
    for command in [
        invite("ann", "eve"),
        invite("ann", "bob"),
        remove("ann", "bob"),
        leave("bob"),
    ] {
        given::<Conversation>([direct()])
            .when(command)
            .then_rejected("DirectIsForTwo");
    }
}

#[test]
fn a_group_is_started_once_with_the_one_who_starts_it() {
    let both = ["bob".to_owned(), "bob".to_owned()];
    given_no_events::<Conversation>()
        .when(start_group("tea", &both))
        .then([group(&["ann", "bob"])])
        .when(start_group("tea", &both))
        .then_rejected("AlreadyStarted");
    given::<Conversation>([direct()])
        .when(start_group("tea", &both))
        .then_rejected("AlreadyStarted");
}

#[test]
fn a_group_has_a_name_that_can_be_read() {
    let longest = "é".repeat(100);
    given_no_events::<Conversation>()
        .when(start_group(&longest, &[]))
        .then_state_is(|group| group.name.as_deref() == Some(&*longest));
    for name in ["", " \t", "a\nb", &"é".repeat(101)] {
        given_no_events::<Conversation>()
            .when(start_group(name, &[]))
            .then_rejected("InvalidName");
    }
    given_no_events::<Conversation>()
        .when(start_group("tea", &["b/ob".into()]))
        .then_rejected("InvalidUser");
}

#[test]
fn a_group_has_at_most_256_members() {
    given_no_events::<Conversation>()
        .when(start_group("tea", &many(MOST_MEMBERS)))
        .then_rejected("TooManyMembers");
    given_no_events::<Conversation>()
        .when(start_group("tea", &many(MOST_MEMBERS - 1)))
        .then_state_is(|group| group.members.len() == 256)
        .when(invite("ann", "eve"))
        .then_rejected("TooManyMembers")
        .when(leave("user 7"))
        .then([left("user 7", "user 7")])
        .when(invite("ann", "eve"))
        .then([joined("eve")]);
}

#[test]
fn members_come_and_go() {
    given::<Conversation>([group(&["ann", "bob"])])
        .when(invite("ann", "eve"))
        .then([joined("eve")])
        .when(invite("bob", "eve"))
        .then([])
        .when(invite("bob", "e/ve"))
        .then_rejected("InvalidUser")
        .when(remove("bob", "eve"))
        .then([left("eve", "bob")])
        .when(remove("bob", "eve"))
        .then([])
        .when(invite("ann", "eve"))
        .then([joined("eve")])
        .when(post("eve", "m1"))
        .then([posted(1, "m1", "eve")]);
}

/// The answers are the same whether there is such a conversation or not, and whatever else is wrong with the command.
#[test]
fn who_is_not_a_member_learns_nothing() {
    let history = [
        group(&["ann", "bob", "eve"]),
        posted(1, "m1", "eve"),
        reacted("m1", "eve", "\u{1f44d}"),
        left("eve", "eve"),
    ];
    for history in [Vec::new(), vec![direct()], history.to_vec()] {
        let refused = |command| {
            given::<Conversation>(history.clone())
                .when(command)
                .then_rejected("NotAMember");
        };
        all_by("eve").into_iter().for_each(refused);
        refused(invite("eve", "b/ob"));
        refused(edit("eve", "m1", 9));
        refused(react("eve", "m1", ""));
        refused(post("eve", ""));
    }
}

#[test]
fn a_group_that_all_have_left_is_for_nobody() {
    for user in ["ann", "bob"] {
        for command in all_by(user) {
            given::<Conversation>([group(&["ann"]), left("ann", "ann")])
                .when(command)
                .then_rejected("NotAMember");
        }
    }
}

#[test]
fn nobody_takes_the_place_of_two_others() {
    let pair = direct_root("ann", "bob");
    let other = Err(ConversationRejection::OtherRoot);
    assert_eq!(check_root(pair, &start("bob", "ann")), Ok(()));
    assert_eq!(check_root(pair, &start("ann", "eve")), other);
    assert_eq!(check_root(pair, &start_group("tea", &[])), other);
    assert_eq!(check_root(Uuid::now_v7(), &start("ann", "bob")), other);
    assert_eq!(check_root(Uuid::now_v7(), &start_group("tea", &[])), Ok(()));
    // Membership decides about the rest.
    for command in all_by("ann") {
        assert_eq!(check_root(pair, &command), Ok(()));
    }
}
