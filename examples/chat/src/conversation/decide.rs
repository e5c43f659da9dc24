//! From commands to events.

use std::collections::BTreeSet;

use super::{
    Conversation, ConversationCommand, ConversationEvent, ConversationRejection, Kind,
    MOST_CHARACTERS, MOST_EMOJI, MOST_EMOJI_BYTES, MOST_ID_BYTES, MOST_MEMBERS,
    MOST_NAME_CHARACTERS, MOST_TIME_BYTES, MOST_USERS_OF_AN_EMOJI,
};
use crate::users::valid_user;

type Decision = Result<Vec<ConversationEvent>, ConversationRejection>;

pub(super) fn decide(conversation: &Conversation, command: &ConversationCommand) -> Decision {
    use ConversationCommand::*;

    match command.clone() {
        Start { by, with } => start(conversation, by, with),
        StartGroup { by, name, members } => start_group(conversation, by, name, members),
        Invite { by, user } => {
            require_member(conversation, &by)?;
            invite(conversation, by, user)
        }
        Remove { by, user } => {
            require_member(conversation, &by)?;
            remove(conversation, by, user)
        }
        Leave { by } => {
            require_member(conversation, &by)?;
            remove(conversation, by.clone(), by)
        }
        Post {
            by,
            message,
            text,
            client_time,
        } => {
            require_member(conversation, &by)?;
            post(conversation, by, message, text, client_time)
        }
        Edit {
            by,
            message,
            revision,
            text,
        } => {
            require_member(conversation, &by)?;
            edit(conversation, by, message, revision, text)
        }
        Delete { by, message } => {
            require_member(conversation, &by)?;
            conversation.own(&message, &by)?;
            Ok(vec![ConversationEvent::Deleted { message, by }])
        }
        React { by, message, emoji } => {
            require_member(conversation, &by)?;
            react(conversation, by, message, emoji)
        }
        Unreact { by, message, emoji } => {
            require_member(conversation, &by)?;
            let users = conversation.standing(&message)?.reactions.get(&emoji);
            Ok(match users.is_some_and(|users| users.contains(&by)) {
                true => vec![ConversationEvent::Unreacted { message, by, emoji }],
                false => Vec::new(),
            })
        }
    }
}

/// It comes before everything else, so that the answers to others tell nothing.
fn require_member(conversation: &Conversation, user: &str) -> Result<(), ConversationRejection> {
    match conversation.has_member(user) {
        true => Ok(()),
        false => Err(ConversationRejection::NotAMember),
    }
}

fn start(conversation: &Conversation, by: String, with: String) -> Decision {
    valid_user(&by)?;
    valid_user(&with)?;
    if by == with {
        return Err(ConversationRejection::WithYourself);
    }
    let members = BTreeSet::from([by.clone(), with]);
    match conversation.kind {
        None => Ok(vec![ConversationEvent::Started {
            kind: Kind::Direct,
            name: None,
            members,
            by,
        }]),
        Some(Kind::Direct) if conversation.members == members => Ok(Vec::new()),
        Some(Kind::Direct | Kind::Group) => Err(ConversationRejection::AlreadyStarted),
    }
}

fn start_group(
    conversation: &Conversation,
    by: String,
    name: String,
    members: Vec<String>,
) -> Decision {
    let characters = name.chars().count();
    if name.trim().is_empty()
        || characters > MOST_NAME_CHARACTERS
        || name.contains(char::is_control)
    {
        return Err(ConversationRejection::InvalidName { characters });
    }
    let mut members = BTreeSet::from_iter(members);
    members.insert(by.clone());
    require_room(members.len())?;
    members.iter().try_for_each(|user| valid_user(user))?;
    if conversation.kind.is_some() {
        return Err(ConversationRejection::AlreadyStarted);
    }
    Ok(vec![ConversationEvent::Started {
        kind: Kind::Group,
        name: Some(name),
        members,
        by,
    }])
}

fn invite(conversation: &Conversation, by: String, user: String) -> Decision {
    require_group(conversation)?;
    valid_user(&user)?;
    if conversation.has_member(&user) {
        return Ok(Vec::new());
    }
    require_room(conversation.members.len() + 1)?;
    let name = conversation.name.clone().unwrap_or_default();
    Ok(vec![ConversationEvent::Joined { user, by, name }])
}

fn remove(conversation: &Conversation, by: String, user: String) -> Decision {
    require_group(conversation)?;
    Ok(match conversation.has_member(&user) {
        true => vec![ConversationEvent::Left { user, by }],
        false => Vec::new(),
    })
}

fn require_group(conversation: &Conversation) -> Result<(), ConversationRejection> {
    match conversation.kind {
        Some(Kind::Direct) => Err(ConversationRejection::DirectIsForTwo),
        Some(Kind::Group) | None => Ok(()),
    }
}

fn require_room(members: usize) -> Result<(), ConversationRejection> {
    match members <= MOST_MEMBERS {
        true => Ok(()),
        false => Err(ConversationRejection::TooManyMembers { members }),
    }
}

fn post(
    conversation: &Conversation,
    by: String,
    message: String,
    text: String,
    client_time: String,
) -> Decision {
    let bytes = message.len();
    if bytes == 0 || bytes > MOST_ID_BYTES {
        return Err(ConversationRejection::InvalidMessageId { bytes });
    }
    require_text(&text)?;
    let bytes = client_time.len();
    if bytes > MOST_TIME_BYTES {
        return Err(ConversationRejection::InvalidClientTime { bytes });
    }
    match conversation.recent.get(&message) {
        Some(found) if found.author == by => return Ok(Vec::new()),
        Some(_) => return Err(ConversationRejection::MessageIdTaken { message }),
        None => {}
    }
    Ok(vec![ConversationEvent::Posted {
        message,
        by,
        text,
        client_time,
        // A stream has no more events than this can count.
        number: conversation.messages.saturating_add(1),
    }])
}

fn edit(
    conversation: &Conversation,
    by: String,
    message: String,
    revision: u32,
    text: String,
) -> Decision {
    require_text(&text)?;
    let current = conversation.own(&message, &by)?.revision;
    if revision != current {
        let revision = current;
        return Err(ConversationRejection::OtherRevision { message, revision });
    }
    Ok(vec![ConversationEvent::Edited {
        message,
        by,
        text,
        revision: current.saturating_add(1),
    }])
}

fn require_text(text: &str) -> Result<(), ConversationRejection> {
    let characters = text.chars().count();
    match text.trim().is_empty() || characters > MOST_CHARACTERS {
        true => Err(ConversationRejection::InvalidText { characters }),
        false => Ok(()),
    }
}

fn react(conversation: &Conversation, by: String, message: String, emoji: String) -> Decision {
    let bytes = emoji.len();
    let is_invisible = |c: char| c.is_whitespace() || c.is_control();
    if bytes == 0 || bytes > MOST_EMOJI_BYTES || emoji.contains(is_invisible) {
        return Err(ConversationRejection::InvalidEmoji { bytes });
    }
    let reactions = &conversation.standing(&message)?.reactions;
    match reactions.get(&emoji) {
        Some(users) if users.contains(&by) => return Ok(Vec::new()),
        Some(users) if users.len() >= MOST_USERS_OF_AN_EMOJI => {
            return Err(ConversationRejection::TooManyReactions { message });
        }
        None if reactions.len() >= MOST_EMOJI => {
            return Err(ConversationRejection::TooManyEmoji { message });
        }
        Some(_) | None => {}
    }
    Ok(vec![ConversationEvent::Reacted { message, by, emoji }])
}
