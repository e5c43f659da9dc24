//! What browsers may ask of a chat, and what they are shown: see `docs/live-protocol.md`.

mod conversation;
mod inbox;
mod read_marks;

pub use conversation::{ConversationRequest, ConversationView};
pub use inbox::{InboxEntry, InboxView};
pub use read_marks::{MarkRequest, MarksView};
