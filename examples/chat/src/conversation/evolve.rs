//! From events to the state. Total: it takes any event in any order.

use std::collections::BTreeMap;

use super::{Conversation, ConversationEvent, RECENT_MESSAGES, RecentMessage};

pub(super) fn evolve(conversation: &mut Conversation, event: &ConversationEvent) {
    match event.clone() {
        ConversationEvent::Started {
            kind,
            name,
            members,
            ..
        } => {
            conversation.kind = Some(kind);
            conversation.name = name;
            conversation.members = members;
        }
        ConversationEvent::Joined { user, .. } => drop(conversation.members.insert(user)),
        ConversationEvent::Left { user, .. } => drop(conversation.members.remove(&user)),
        ConversationEvent::Posted {
            message,
            by,
            number,
            ..
        } => {
            let posted = RecentMessage {
                number,
                author: by,
                revision: 1,
                deleted: false,
                reactions: BTreeMap::new(),
            };
            conversation.recent.insert(message, posted);
            conversation.messages = conversation.messages.max(number);
            forget_the_oldest(conversation);
        }
        ConversationEvent::Edited {
            message, revision, ..
        } => {
            if let Some(message) = standing(conversation, &message) {
                message.revision = revision;
            }
        }
        ConversationEvent::Deleted { message, .. } => {
            if let Some(message) = conversation.recent.get_mut(&message) {
                message.deleted = true;
                message.reactions.clear();
            }
        }
        ConversationEvent::Reacted { message, by, emoji } => {
            if let Some(message) = standing(conversation, &message) {
                message.reactions.entry(emoji).or_default().insert(by);
            }
        }
        ConversationEvent::Unreacted { message, by, emoji } => {
            if let Some(message) = standing(conversation, &message)
                && let Some(users) = message.reactions.get_mut(&emoji)
            {
                users.remove(&by);
                message.reactions.retain(|_, users| !users.is_empty());
            }
        }
    }
}

/// What is deleted stays as it was when it was deleted.
fn standing<'a>(conversation: &'a mut Conversation, id: &str) -> Option<&'a mut RecentMessage> {
    let found = conversation.recent.get_mut(id);
    found.filter(|message| !message.deleted)
}

/// The state stays small however long the conversation goes on.
fn forget_the_oldest(conversation: &mut Conversation) {
    while conversation.recent.len() > RECENT_MESSAGES {
        let oldest = (conversation.recent.iter()).min_by_key(|(_, message)| message.number);
        let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
            return;
        };
        conversation.recent.remove(&oldest);
    }
}
