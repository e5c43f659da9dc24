//! What members say.

use seriatim::testkit::given;

use super::*;
use crate::conversation::{
    Conversation, ConversationRejection, MOST_EMOJI, MOST_USERS_OF_AN_EMOJI, RECENT_MESSAGES,
};

const THUMB: &str = "\u{1f44d}";

fn saying(text: &str) -> ConversationCommand {
    Do::Post {
        by: "ann".into(),
        message: "m1".into(),
        text: text.into(),
        client_time: String::new(),
    }
}

#[test]
fn all_members_share_one_count_of_messages() {
    given::<Conversation>([direct()])
        .when(post("ann", "m1"))
        .then([posted(1, "m1", "ann")])
        .when(post("bob", "m2"))
        .then([posted(2, "m2", "bob")])
        .when(delete("bob", "m2"))
        .then([deleted("m2", "bob")])
        .when(post("ann", "m3"))
        .then([posted(3, "m3", "ann")]);
}

#[test]
fn a_message_is_posted_once_under_its_id() {
    given::<Conversation>([direct(), posted(1, "m1", "ann"), deleted("m1", "ann")])
        .when(post("ann", "m1"))
        .then([])
        .when(post("bob", "m1"))
        .then_rejected("MessageIdTaken");
}

#[test]
fn a_text_has_something_in_it_and_is_not_too_long() {
    for text in ["x", "é\n", &"é".repeat(4000)] {
        given::<Conversation>([direct()])
            .when(saying(text))
            .then_state_is(|conversation| conversation.messages == 1);
    }
    for text in ["", " \n\u{3000}", &"é".repeat(4001)] {
        given::<Conversation>([direct()])
            .when(saying(text))
            .then_rejected("InvalidText");
        let edit = Do::Edit {
            by: "ann".into(),
            message: "m1".into(),
            revision: 1,
            text: text.into(),
        };
        given::<Conversation>([direct(), posted(1, "m1", "ann")])
            .when(edit)
            .then_rejected("InvalidText");
    }
}

#[test]
fn ids_and_times_are_short() {
    let at = |message: &str, client_time: &str| Do::Post {
        by: "ann".into(),
        message: message.into(),
        text: "hey".into(),
        client_time: client_time.into(),
    };
    let (longest, too_long) = ("x".repeat(64), "x".repeat(65));
    given::<Conversation>([direct()])
        .when(at(&longest, &longest))
        .then_state_is(|conversation| conversation.messages == 1)
        .when(at("m1", &too_long))
        .then_rejected(ConversationRejection::InvalidClientTime { bytes: 65 })
        .when(at("", ""))
        .then_rejected(ConversationRejection::InvalidMessageId { bytes: 0 })
        .when(at(&too_long, ""))
        .then_rejected(ConversationRejection::InvalidMessageId { bytes: 65 });
}

#[test]
fn an_edit_names_the_revision_that_it_changes() {
    let message = "m1".to_owned();
    given::<Conversation>([direct(), posted(1, "m1", "ann")])
        .when(edit("ann", "m1", 0))
        .then_rejected("OtherRevision")
        .when(edit("ann", "m1", 1))
        .then([edited("m1", "ann", 2)])
        .when(edit("ann", "m1", 1))
        .then_rejected(ConversationRejection::OtherRevision {
            message,
            revision: 2,
        })
        .when(edit("ann", "m1", 2))
        .then([edited("m1", "ann", 3)]);
}

#[test]
fn a_message_is_changed_by_its_author() {
    for command in [edit("bob", "m1", 1), delete("bob", "m1")] {
        given::<Conversation>([direct(), posted(1, "m1", "ann")])
            .when(command)
            .then_rejected("NotYours");
    }
    for command in [
        edit("bob", "m2", 1),
        delete("bob", "m2"),
        react("bob", "m2", THUMB),
        unreact("bob", "m2", THUMB),
    ] {
        given::<Conversation>([direct(), posted(1, "m1", "ann")])
            .when(command)
            .then_rejected("NoSuchMessage");
    }
}

#[test]
fn what_is_deleted_stays_deleted() {
    let history = [
        direct(),
        posted(1, "m1", "ann"),
        reacted("m1", "bob", THUMB),
    ];
    given::<Conversation>(history)
        .when(delete("ann", "m1"))
        .then([deleted("m1", "ann")])
        .then_state_is(|conversation| conversation.recent["m1"].reactions.is_empty())
        .when(delete("ann", "m1"))
        .then_rejected("DeletedAlready")
        .when(edit("ann", "m1", 1))
        .then_rejected("DeletedAlready")
        .when(react("bob", "m1", THUMB))
        .then_rejected("DeletedAlready")
        .when(unreact("bob", "m1", THUMB))
        .then_rejected("DeletedAlready");
}

#[test]
fn a_member_puts_an_emoji_once_and_takes_only_their_own() {
    given::<Conversation>([direct(), posted(1, "m1", "ann")])
        .when(react("bob", "m1", THUMB))
        .then([reacted("m1", "bob", THUMB)])
        .when(react("bob", "m1", THUMB))
        .then([])
        .when(unreact("ann", "m1", THUMB))
        .then([])
        .when(react("ann", "m1", THUMB))
        .then([reacted("m1", "ann", THUMB)])
        .when(unreact("bob", "m1", THUMB))
        .then([unreacted("m1", "bob", THUMB)])
        .then_state_is(|conversation| conversation.recent["m1"].reactions[THUMB] == names(&["ann"]))
        .when(unreact("ann", "m1", THUMB))
        .then([unreacted("m1", "ann", THUMB)])
        .then_state_is(|conversation| conversation.recent["m1"].reactions.is_empty());
}

#[test]
fn an_emoji_is_short_and_visible() {
    let longest = "x".repeat(32);
    given::<Conversation>([direct(), posted(1, "m1", "ann")])
        .when(react("ann", "m1", &longest))
        .then([reacted("m1", "ann", &longest)]);
    for emoji in ["", " ", "a b", "\u{7}", &"x".repeat(33)] {
        given::<Conversation>([direct(), posted(1, "m1", "ann")])
            .when(react("ann", "m1", emoji))
            .then_rejected("InvalidEmoji");
    }
}

#[test]
fn a_message_has_at_most_20_different_emoji() {
    let mut history = vec![direct(), posted(1, "m1", "ann")];
    history.extend((0..MOST_EMOJI).map(|at| reacted("m1", "ann", &format!("e{at}"))));
    given::<Conversation>(history)
        .when(react("bob", "m1", "e20"))
        .then_rejected("TooManyEmoji")
        .when(react("bob", "m1", "e0"))
        .then([reacted("m1", "bob", "e0")])
        .when(unreact("ann", "m1", "e1"))
        .then([unreacted("m1", "ann", "e1")])
        .when(react("bob", "m1", "e20"))
        .then([reacted("m1", "bob", "e20")]);
}

/// Members come and go, and what they put on a message stays.
#[test]
fn an_emoji_is_put_on_a_message_by_at_most_256_users() {
    let mut history = vec![group(&["ann"]), posted(1, "m1", "ann")];
    for at in 0..MOST_USERS_OF_AN_EMOJI {
        let user = format!("user {at}");
        history.extend([
            joined(&user),
            reacted("m1", &user, THUMB),
            left(&user, &user),
        ]);
    }
    given::<Conversation>(history)
        .when(react("ann", "m1", THUMB))
        .then_rejected("TooManyReactions");
}

#[test]
fn only_the_newest_messages_are_kept_and_can_be_changed() {
    let count = u32::try_from(RECENT_MESSAGES).unwrap() + 1;
    let mut history = vec![direct()];
    // Their ids are in another order than their numbers.
    let id = |number: u32| format!("m{}", (number * 7919) % 10_007);
    history.extend((1..=count).map(|number| posted(number, &id(number), "ann")));
    given::<Conversation>(history)
        .when(edit("ann", &id(1), 1))
        .then_rejected("TooOld")
        .when(delete("ann", &id(1)))
        .then_rejected("TooOld")
        .when(react("ann", &id(1), THUMB))
        .then_rejected("TooOld")
        .when(edit("ann", &id(2), 1))
        .then([edited(&id(2), "ann", 2)])
        .when(post("ann", "next"))
        .then([posted(count + 1, "next", "ann")])
        .then_state_is(|conversation| conversation.recent.len() == RECENT_MESSAGES)
        .then_state_is(|conversation| conversation.messages == count + 1)
        .when(edit("ann", &id(2), 2))
        .then_rejected("TooOld");
}
