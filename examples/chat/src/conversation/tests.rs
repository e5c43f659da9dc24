//! Checks what a conversation does, without a database.

mod commutes;
mod members;
mod messages;

use std::collections::BTreeSet;

use super::{ConversationCommand, ConversationEvent, Kind};
use ConversationCommand as Do;
use ConversationEvent::*;

fn names(users: &[&str]) -> BTreeSet<String> {
    users.iter().map(|user| (*user).to_owned()).collect()
}

fn direct() -> ConversationEvent {
    Started {
        kind: Kind::Direct,
        name: None,
        members: names(&["ann", "bob"]),
        by: "ann".into(),
    }
}

fn group(users: &[&str]) -> ConversationEvent {
    Started {
        kind: Kind::Group,
        name: Some("tea".into()),
        members: names(users),
        by: "ann".into(),
    }
}

fn joined(user: &str) -> ConversationEvent {
    Joined {
        user: user.into(),
        by: "ann".into(),
        name: "tea".into(),
    }
}

fn left(user: &str, by: &str) -> ConversationEvent {
    Left {
        user: user.into(),
        by: by.into(),
    }
}

fn posted(number: u32, message: &str, by: &str) -> ConversationEvent {
    Posted {
        message: message.into(),
        by: by.into(),
        text: "hey".into(),
        client_time: "4:20:00".into(),
        number,
    }
}

fn edited(message: &str, by: &str, revision: u32) -> ConversationEvent {
    Edited {
        message: message.into(),
        by: by.into(),
        text: "hello".into(),
        revision,
    }
}

fn deleted(message: &str, by: &str) -> ConversationEvent {
    Deleted {
        message: message.into(),
        by: by.into(),
    }
}

fn reacted(message: &str, by: &str, emoji: &str) -> ConversationEvent {
    Reacted {
        message: message.into(),
        by: by.into(),
        emoji: emoji.into(),
    }
}

fn unreacted(message: &str, by: &str, emoji: &str) -> ConversationEvent {
    Unreacted {
        message: message.into(),
        by: by.into(),
        emoji: emoji.into(),
    }
}

fn invite(by: &str, user: &str) -> ConversationCommand {
    Do::Invite {
        by: by.into(),
        user: user.into(),
    }
}

fn remove(by: &str, user: &str) -> ConversationCommand {
    Do::Remove {
        by: by.into(),
        user: user.into(),
    }
}

fn leave(by: &str) -> ConversationCommand {
    Do::Leave { by: by.into() }
}

fn post(by: &str, message: &str) -> ConversationCommand {
    Do::Post {
        by: by.into(),
        message: message.into(),
        text: "hey".into(),
        client_time: "4:20:00".into(),
    }
}

fn edit(by: &str, message: &str, revision: u32) -> ConversationCommand {
    Do::Edit {
        by: by.into(),
        message: message.into(),
        revision,
        text: "hello".into(),
    }
}

fn delete(by: &str, message: &str) -> ConversationCommand {
    Do::Delete {
        by: by.into(),
        message: message.into(),
    }
}

fn react(by: &str, message: &str, emoji: &str) -> ConversationCommand {
    Do::React {
        by: by.into(),
        message: message.into(),
        emoji: emoji.into(),
    }
}

fn unreact(by: &str, message: &str, emoji: &str) -> ConversationCommand {
    Do::Unreact {
        by: by.into(),
        message: message.into(),
        emoji: emoji.into(),
    }
}
