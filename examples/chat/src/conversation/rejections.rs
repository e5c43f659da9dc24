//! The reasons for which a conversation may reject a command.

use seriatim::prelude::*;

use super::{
    MOST_CHARACTERS, MOST_EMOJI, MOST_EMOJI_BYTES, MOST_ID_BYTES, MOST_MEMBERS,
    MOST_NAME_CHARACTERS, MOST_TIME_BYTES, MOST_USERS_OF_AN_EMOJI, RECENT_MESSAGES,
};
use crate::users::InvalidUser;

/// The reason for which a conversation rejects a command.
#[derive(Rejection, thiserror::Error, Debug, PartialEq)]
pub enum ConversationRejection {
    /// There is a conversation at this root already.
    #[error("the conversation is started already")]
    AlreadyStarted,
    /// The user is not a member, or there is no such conversation: the answer does not say which.
    #[error("you are not a member of this conversation")]
    NotAMember,
    /// The root is not the one that this conversation must have.
    #[error("this conversation does not belong at this root")]
    OtherRoot,
    /// A direct conversation has two members for ever.
    #[error("a direct conversation is for its two members: nobody comes or goes")]
    DirectIsForTwo,
    /// A direct conversation needs another user.
    #[error("a direct conversation is with somebody else")]
    WithYourself,
    /// A name cannot be that of a user.
    #[error("this cannot be the name of a user: {why}")]
    InvalidUser {
        /// The reason.
        why: InvalidUser,
    },
    /// The name of a group is empty, too long, or has characters that it may not have.
    #[error(
        "the name of a group must have 1 to {MOST_NAME_CHARACTERS} characters, not only white space, no control ones"
    )]
    InvalidName {
        /// The length of the name.
        characters: usize,
    },
    /// The group would have too many members.
    #[error("a group has at most {MOST_MEMBERS} members")]
    TooManyMembers {
        /// The number of members that it would have.
        members: usize,
    },
    /// The id of a message is empty or too long.
    #[error("the id of a message must have 1 to {MOST_ID_BYTES} bytes")]
    InvalidMessageId {
        /// The length of the id.
        bytes: usize,
    },
    /// Somebody else's message has this id.
    #[error("another message has this id")]
    MessageIdTaken {
        /// The id.
        message: String,
    },
    /// A text is empty or too long.
    #[error("a message must have 1 to {MOST_CHARACTERS} characters, and not only white space")]
    InvalidText {
        /// The length of the text.
        characters: usize,
    },
    /// The time of the client is too long.
    #[error("the time of a message has at most {MOST_TIME_BYTES} bytes")]
    InvalidClientTime {
        /// The length of the time.
        bytes: usize,
    },
    /// An emoji is empty, too long, or not to be seen.
    #[error("an emoji must have 1 to {MOST_EMOJI_BYTES} bytes, without white space")]
    InvalidEmoji {
        /// The length of the emoji.
        bytes: usize,
    },
    /// No message has this id.
    #[error("there is no such message")]
    NoSuchMessage {
        /// The id.
        message: String,
    },
    /// The message is none of the newest ones, which are all that is kept in the state.
    #[error("only the newest {RECENT_MESSAGES} messages can be changed")]
    TooOld {
        /// The id.
        message: String,
    },
    /// The message is somebody else's.
    #[error("only the author can change a message")]
    NotYours {
        /// The id.
        message: String,
    },
    /// The message is deleted, and stays so.
    #[error("the message is deleted")]
    DeletedAlready {
        /// The id.
        message: String,
    },
    /// The message was edited since.
    #[error("the message is at revision {revision} by now")]
    OtherRevision {
        /// The id.
        message: String,
        /// The current revision.
        revision: u32,
    },
    /// The message has as many different emoji as it may.
    #[error("a message has at most {MOST_EMOJI} different emoji")]
    TooManyEmoji {
        /// The id.
        message: String,
    },
    /// As many users as may have put this emoji on the message.
    #[error("at most {MOST_USERS_OF_AN_EMOJI} users put the same emoji on a message")]
    TooManyReactions {
        /// The id.
        message: String,
    },
}

impl From<InvalidUser> for ConversationRejection {
    fn from(why: InvalidUser) -> Self {
        Self::InvalidUser { why }
    }
}
