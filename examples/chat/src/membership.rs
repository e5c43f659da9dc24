//! A saga: the members of a conversation have a read mark in it, and have it in their inboxes.
//!
//! All that a conversation does to either goes this one way, in the order of its events. A user who leaves and joins
//! again is a member at the end, and a user who joins and leaves is not.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use seriatim::core::SentCommand;
use seriatim::prelude::*;

use crate::conversation::{Conversation, ConversationEvent, Kind};
use crate::inbox::{Inbox, InboxCommand};
use crate::read_marks::{ReadMarks, ReadMarksCommand};
use crate::users::inbox_root;

/// The most members that are admitted by one command book: a large group is a few commits, and far from the limit of
/// a request.
const ADMITTED_AT_ONCE: usize = 64;

/// Admits and dismisses members in the [`ReadMarks`] of a conversation, and puts it into their [`Inbox`]es and takes it
/// out. The read marks come first, so that who finds the conversation in the inbox can mark it as read.
#[derive(Clone, Copy, Debug)]
pub struct Membership;

impl Saga for Membership {
    const NAME: &'static str = "membership";
    type Source = Conversation;

    fn react(&self, event: &ConversationEvent, recorded: &RecordedEvent, effects: &mut Effects) {
        let conversation = recorded.stream.root;
        match event {
            ConversationEvent::Started {
                kind,
                name,
                members,
                ..
            } => {
                admit(conversation, members, effects);
                let entry = InboxCommand::Enter {
                    conversation,
                    kind: *kind,
                    name: name.clone(),
                    members: match kind {
                        Kind::Direct => members.clone(),
                        Kind::Group => BTreeSet::new(),
                    },
                };
                for user in members {
                    effects.send::<Inbox>(inbox_root(user), &entry);
                }
            }
            ConversationEvent::Joined { user, name, .. } => {
                admit(conversation, &BTreeSet::from([user.clone()]), effects);
                let entry = InboxCommand::Enter {
                    conversation,
                    kind: Kind::Group,
                    name: Some(name.clone()),
                    members: BTreeSet::new(),
                };
                effects.send::<Inbox>(inbox_root(user), &entry);
            }
            ConversationEvent::Left { user, .. } => {
                let dismiss = ReadMarksCommand::Dismiss { user: user.clone() };
                effects.send::<ReadMarks>(conversation, &dismiss);
                effects.send::<Inbox>(inbox_root(user), &InboxCommand::Exit { conversation });
            }
            ConversationEvent::Posted { .. }
            | ConversationEvent::Edited { .. }
            | ConversationEvent::Deleted { .. }
            | ConversationEvent::Reacted { .. }
            | ConversationEvent::Unreacted { .. } => {}
        }
    }
}

fn admit(conversation: Uuid, users: &BTreeSet<String>, effects: &mut Effects) {
    let admit = |user: &String| ReadMarksCommand::Admit { user: user.clone() };
    let commands: Vec<_> = users.iter().map(admit).collect();
    for book in commands.chunks(ADMITTED_AT_ONCE) {
        let [first, rest @ ..] = book else { continue };
        let sent = effects.send::<ReadMarks>(conversation, first);
        rest.iter().fold(sent, SentCommand::and);
    }
}
