//! Conversations in browsers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use seriatim::prelude::Uuid;
use seriatim::{Room, Sent};

use crate::conversation::{Conversation, ConversationCommand, Kind, check_root};

/// What a user asks of a conversation. Who asks is known to the server, so it is not in here.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum ConversationRequest {
    /// Begin the direct conversation with another user.
    Start {
        /// The other user.
        with: String,
    },
    /// Begin a conversation of several users.
    StartGroup {
        /// Its name.
        name: String,
        /// The members besides the user who begins it.
        members: Vec<String>,
    },
    /// Add somebody to a group.
    Invite {
        /// The new member.
        user: String,
    },
    /// Take somebody out of a group.
    Remove {
        /// The member.
        user: String,
    },
    /// Leave a group.
    Leave,
    /// Say something. The idempotency key of the request becomes the id of the message.
    Post {
        /// The text.
        text: String,
        /// The time of the sender's clock, which is shown and never used to order.
        client_time: String,
    },
    /// Change a message of one's own.
    Edit {
        /// The id of the message.
        message: String,
        /// The revision that is to be changed; 1 if it was never edited.
        revision: u32,
        /// The new text.
        text: String,
    },
    /// Delete a message of one's own. Its place stays.
    Delete {
        /// The id of the message.
        message: String,
    },
    /// Add a reaction.
    React {
        /// The id of the message.
        message: String,
        /// The reaction.
        emoji: String,
    },
    /// Take a reaction back.
    Unreact {
        /// The id of the message.
        message: String,
        /// The reaction.
        emoji: String,
    },
}

/// What a member is shown of a conversation on joining it.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct ConversationView {
    /// Direct or a group.
    pub kind: Option<Kind>,
    /// The name of a group.
    pub name: Option<String>,
    /// The members.
    pub members: BTreeSet<String>,
    /// How many messages there are.
    pub messages: u32,
}

impl Room for Conversation {
    type Request = ConversationRequest;
    type View = ConversationView;

    fn may_read(&self, _: Uuid, user: &str) -> bool {
        self.has_member(user)
    }

    fn view(&self, _: Uuid, _: &str) -> ConversationView {
        ConversationView {
            kind: self.kind,
            name: self.name.clone(),
            members: self.members.clone(),
            messages: self.messages,
        }
    }

    fn command(
        root: Uuid,
        sent: Sent<'_, ConversationRequest>,
    ) -> Result<ConversationCommand, String> {
        let by = sent.user.to_owned();
        let command = match sent.request {
            ConversationRequest::Start { with } => ConversationCommand::Start { by, with },
            ConversationRequest::StartGroup { name, members } => {
                ConversationCommand::StartGroup { by, name, members }
            }
            ConversationRequest::Invite { user } => ConversationCommand::Invite { by, user },
            ConversationRequest::Remove { user } => ConversationCommand::Remove { by, user },
            ConversationRequest::Leave => ConversationCommand::Leave { by },
            ConversationRequest::Post { text, client_time } => ConversationCommand::Post {
                by,
                message: sent.id.to_owned(),
                text,
                client_time,
            },
            ConversationRequest::Edit {
                message,
                revision,
                text,
            } => ConversationCommand::Edit {
                by,
                message,
                revision,
                text,
            },
            ConversationRequest::Delete { message } => ConversationCommand::Delete { by, message },
            ConversationRequest::React { message, emoji } => {
                ConversationCommand::React { by, message, emoji }
            }
            ConversationRequest::Unreact { message, emoji } => {
                ConversationCommand::Unreact { by, message, emoji }
            }
        };
        check_root(root, &command).map_err(|rejection| rejection.to_string())?;
        Ok(command)
    }
}
