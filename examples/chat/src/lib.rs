//! A chat on Seriatim: conversations in which everybody sees the same messages in the same order, how far each member
//! has read, and the list of conversations of each user.
//!
//! A conversation is a stream, so the sequence of its events is the one counter that all its members share.

pub mod conversation;
pub mod inbox;
pub mod membership;
pub mod read_marks;
pub mod rooms;
pub mod scopes;
pub mod users;

pub use conversation::{
    Conversation, ConversationCommand, ConversationEvent, ConversationRejection, Kind,
};
pub use inbox::{Inbox, InboxCommand, InboxEvent};
pub use membership::Membership;
pub use read_marks::{ReadMarks, ReadMarksCommand, ReadMarksEvent, ReadMarksRejection};
pub use users::{InvalidUser, direct_root, inbox_root, valid_user};
