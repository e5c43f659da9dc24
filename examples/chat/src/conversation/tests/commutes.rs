//! Which commands merge with which events.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use seriatim::core::fold;
use seriatim::prelude::{Aggregate, Commutative, Overlap};
use seriatim::testkit::commutes::{Cell, Commutes, Report};
use seriatim::testkit::{commutes, given, proptest};

use super::*;
use crate::conversation::{Conversation, ConversationRejection, RECENT_MESSAGES};

/// A group of Ann and Bob in which each has posted a message, so that all cases are about conversations that have
/// begun.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Begun(Conversation);

impl Default for Begun {
    fn default() -> Self {
        let members = group(&["ann", "bob"]);
        let history = [members, posted(1, "m1", "ann"), posted(2, "m2", "bob")];
        Self(fold(Conversation::default(), &history))
    }
}

impl Aggregate for Begun {
    const DOMAIN: &'static str = Conversation::DOMAIN;
    const OVERLAP: Overlap = Conversation::OVERLAP;
    type Command = ConversationCommand;
    type Event = ConversationEvent;
    type Rejection = ConversationRejection;

    fn decide(
        &self,
        command: &ConversationCommand,
    ) -> Result<Vec<ConversationEvent>, ConversationRejection> {
        self.0.decide(command)
    }

    fn evolve(&mut self, event: &ConversationEvent) {
        self.0.evolve(event);
    }
}

/// Few users, messages and emoji, so that they meet. New messages have ids of their own.
fn command() -> impl Strategy<Value = ConversationCommand> {
    let pick = |from: &'static [&'static str]| prop::sample::select(from);
    let by = || pick(&["ann", "bob"]);
    let message = || pick(&["m1", "m2"]);
    let own = || prop::sample::select(&[("ann", "m1"), ("bob", "m2")]);
    let emoji = || pick(&["+", "-"]);
    prop_oneof![
        1 => by().prop_map(|by| invite(by, "eve")),
        1 => by().prop_map(|by| remove(by, "eve")),
        1 => Just(leave("eve")),
        3 => (by(), pick(&["m3", "m4", "m5"])).prop_map(|(by, message)| post(by, message)),
        3 => (own(), 1u32..3).prop_map(|((by, message), revision)| edit(by, message, revision)),
        2 => own().prop_map(|(by, message)| delete(by, message)),
        3 => (by(), message(), emoji()).prop_map(|(by, message, emoji)| react(by, message, emoji)),
        2 => (by(), message(), emoji()).prop_map(|(by, message, emoji)| unreact(by, message, emoji)),
    ]
}

/// The rules that hold for every state.
fn sound<A: Aggregate>(check: Commutes<A>, of: fn(&A) -> &Conversation) -> Report {
    let is_numbered = move |conversation: &A| {
        let Conversation {
            recent, messages, ..
        } = of(conversation);
        (recent.values()).all(|message| (1..=*messages).contains(&message.number))
    };
    let is_cleared = move |conversation: &A| {
        let mut recent = of(conversation).recent.values();
        recent.all(|message| !message.deleted || message.reactions.is_empty())
    };
    let report = check
        .always("the numbers are those of messages", is_numbered)
        .always("nothing is on a deleted message", is_cleared)
        .run();
    println!("{report}");
    report
}

#[test]
fn what_is_merged_equals_some_serial_order() {
    let report = sound(commutes::<Begun>(command()).cases(2500), |begun| &begun.0);
    // Changes of messages merge with all that is not about their text.
    for command in ["Edit", "Delete"] {
        for event in ["Posted", "Reacted", "Unreacted", "Joined", "Left"] {
            let cell = report.cell(command, event);
            assert_eq!(cell, Cell::Merges, "{command} {event}");
        }
    }
    for event in ["Posted", "Edited", "Joined", "Left"] {
        let cell = report.cell("React", event);
        assert_eq!(cell, Cell::Merges, "React {event}");
    }
    // What two members do is added up, and one member's two are one.
    assert_eq!(report.cell("React", "Reacted"), Cell::Merges);
    // These two merge if they are about different messages.
    for (command, event) in [
        ("Edit", "Edited"),
        ("Edit", "Deleted"),
        ("Delete", "Edited"),
        ("Delete", "Deleted"),
        ("React", "Deleted"),
    ] {
        let cell = report.cell(command, event);
        let depends = matches!(cell, Cell::Depends { .. });
        assert!(depends, "{command} {event}: {cell}");
    }
    // A post has the next number, so only another post can be in its way.
    for event in ["Edited", "Deleted", "Reacted", "Unreacted", "Joined"] {
        let cell = report.cell("Post", event);
        assert_eq!(cell, Cell::Merges, "Post {event}");
    }
}

#[test]
fn so_does_what_is_merged_at_the_beginning() {
    let start_group = |user: &str| Do::StartGroup {
        by: "ann".into(),
        name: "tea".into(),
        members: vec![user.into()],
    };
    let start = Do::Start {
        by: "ann".into(),
        with: "bob".into(),
    };
    let command = prop_oneof![
        2 => prop::sample::select(&["bob", "eve"]).prop_map(start_group),
        1 => Just(start),
        3 => command(),
        1 => Just(post("ann", "m1")),
    ];
    sound(commutes::<Conversation>(command).cases(1000), |it| it);
}

/// What each pair of changes to messages gives, when the second was sent by somebody who had not seen the first.
#[test]
fn changes_of_one_message_collide_and_changes_of_two_do_not() {
    let history = || vec![direct(), posted(1, "m1", "ann"), posted(2, "m2", "ann")];
    let merges = |theirs, mine: ConversationCommand| {
        let mut events = history();
        events.push(theirs);
        given::<Conversation>(events).when_expecting(2, Commutative, mine)
    };
    merges(posted(3, "m3", "bob"), edit("ann", "m1", 1)).then([edited("m1", "ann", 2)]);
    merges(edited("m2", "ann", 2), edit("ann", "m1", 1)).then([edited("m1", "ann", 2)]);
    merges(edited("m1", "ann", 2), edit("ann", "m1", 1)).then_conflict();
    merges(deleted("m1", "ann"), edit("ann", "m1", 1)).then_conflict();
    merges(edited("m1", "ann", 2), delete("ann", "m1")).then_conflict();
    merges(edited("m2", "ann", 2), delete("ann", "m1")).then([deleted("m1", "ann")]);
    merges(reacted("m1", "bob", "+"), delete("ann", "m1")).then([deleted("m1", "ann")]);
    merges(reacted("m1", "bob", "+"), edit("ann", "m1", 1)).then([edited("m1", "ann", 2)]);
    merges(reacted("m1", "bob", "+"), react("ann", "m1", "+")).then([reacted("m1", "ann", "+")]);
    merges(reacted("m1", "bob", "+"), react("bob", "m1", "+")).then([]);
    merges(deleted("m1", "ann"), react("bob", "m1", "+")).then_conflict();
    // Who says "only if nobody said anything since" is taken at their word.
    merges(posted(3, "m3", "bob"), post("ann", "m4")).then_conflict();
    merges(edited("m1", "ann", 2), post("bob", "m4")).then([posted(3, "m4", "bob")]);
}

/// A post that makes a message too old is in conflict with a change of that message, and with no other.
#[test]
fn a_message_that_became_too_old_meanwhile_is_a_conflict() {
    let count = u32::try_from(RECENT_MESSAGES).unwrap();
    let mut events = vec![direct()];
    events.extend((1..=count + 1).map(|number| posted(number, &format!("m{number}"), "ann")));
    given::<Conversation>(events.clone())
        .when_expecting(count, Commutative, edit("ann", "m1", 1))
        .then_conflict();
    given::<Conversation>(events)
        .when_expecting(count, Commutative, edit("ann", "m2", 1))
        .then([edited("m2", "ann", 2)]);
}
