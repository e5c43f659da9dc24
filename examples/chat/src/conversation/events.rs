//! The events of a conversation. The names and fields are what is stored: change them with care.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

/// Something that happened in a conversation.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub enum ConversationEvent {
    /// It began.
    Started {
        /// What it is.
        kind: Kind,
        /// The name of a group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Its members, including the one who started it.
        members: BTreeSet<String>,
        /// The user who started it.
        by: String,
    },
    /// A user became a member of a group.
    Joined {
        /// The user.
        user: String,
        /// The member who invited the user.
        by: String,
        /// The name of the group, for readers that keep no state.
        name: String,
    },
    /// A member left a group, or was removed from it.
    Left {
        /// The user.
        user: String,
        /// The member who removed the user, or the user.
        by: String,
    },
    /// A member said something.
    Posted {
        /// The id of the message, made by its sender.
        message: String,
        /// The sender.
        by: String,
        /// The text.
        text: String,
        /// The time on the sender's clock, as it came. It is shown, and orders nothing.
        client_time: String,
        /// The number of the message in this conversation, from 1 on.
        number: u32,
    },
    /// The author changed the text of a message.
    Edited {
        /// The id of the message.
        message: String,
        /// The author.
        by: String,
        /// The new text.
        text: String,
        /// The revision that this made: 2 for the first edit.
        revision: u32,
    },
    /// The author deleted a message.
    Deleted {
        /// The id of the message.
        message: String,
        /// The author.
        by: String,
    },
    /// A member put an emoji on a message.
    Reacted {
        /// The id of the message.
        message: String,
        /// The member.
        by: String,
        /// The emoji.
        emoji: String,
    },
    /// A member took an emoji from a message.
    Unreacted {
        /// The id of the message.
        message: String,
        /// The member.
        by: String,
        /// The emoji.
        emoji: String,
    },
}

/// What a conversation is.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of two users, for ever.
    Direct,
    /// Of members who come and go.
    Group,
}
