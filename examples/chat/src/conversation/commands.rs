//! The commands that a conversation can be asked to do.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

use super::ConversationRejection;
use crate::users::direct_root;

/// A command to a conversation. `by` is the user who asks for it; the server that takes the command must know that.
#[derive(Command, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub enum ConversationCommand {
    /// Starts a direct conversation. If it is started, nothing happens.
    Start {
        /// The user.
        by: String,
        /// The other user.
        with: String,
    },
    /// Starts a group.
    StartGroup {
        /// The user, who becomes a member.
        by: String,
        /// The name of the group.
        name: String,
        /// The other members.
        members: Vec<String>,
    },
    /// Makes a user a member of a group. If the user is one, nothing happens.
    Invite {
        /// The member who asks.
        by: String,
        /// The user.
        user: String,
    },
    /// Removes a member from a group. If the user is none, nothing happens.
    Remove {
        /// The member who asks.
        by: String,
        /// The user.
        user: String,
    },
    /// Leaves a group.
    Leave {
        /// The member.
        by: String,
    },
    /// Says something.
    Post {
        /// The member.
        by: String,
        /// The id of the message, made by its sender.
        message: String,
        /// The text.
        text: String,
        /// The time on the sender's clock, in whatever form.
        client_time: String,
    },
    /// Changes the text of one's own message.
    Edit {
        /// The author.
        by: String,
        /// The id of the message.
        message: String,
        /// The revision that the author saw: 1 if it was never edited.
        revision: u32,
        /// The new text.
        text: String,
    },
    /// Deletes one's own message.
    Delete {
        /// The author.
        by: String,
        /// The id of the message.
        message: String,
    },
    /// Puts an emoji on a message. If the member has done so, nothing happens.
    React {
        /// The member.
        by: String,
        /// The id of the message.
        message: String,
        /// The emoji.
        emoji: String,
    },
    /// Takes one's own emoji from a message. If it is not there, nothing happens.
    Unreact {
        /// The member.
        by: String,
        /// The id of the message.
        message: String,
        /// The emoji.
        emoji: String,
    },
}

/// Checks that a command may be sent to the conversation with this root, which an aggregate does not see: a direct
/// conversation has the root of its pair, and a group a root that is not made of names. Fails with
/// [`ConversationRejection::OtherRoot`], so that nobody can take the place of two others.
pub fn check_root(root: Uuid, command: &ConversationCommand) -> Result<(), ConversationRejection> {
    let fits = match command {
        ConversationCommand::Start { by, with } => root == direct_root(by, with),
        ConversationCommand::StartGroup { .. } => root.get_version_num() != 5,
        ConversationCommand::Invite { .. }
        | ConversationCommand::Remove { .. }
        | ConversationCommand::Leave { .. }
        | ConversationCommand::Post { .. }
        | ConversationCommand::Edit { .. }
        | ConversationCommand::Delete { .. }
        | ConversationCommand::React { .. }
        | ConversationCommand::Unreact { .. } => true,
    };
    match fits {
        true => Ok(()),
        false => Err(ConversationRejection::OtherRoot),
    }
}
