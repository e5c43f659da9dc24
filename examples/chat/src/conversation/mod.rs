//! A conversation: its members, and their messages in the one order that all of them see.

mod events;
mod commands;
mod rejections;
mod state;
mod decide;
mod evolve;
#[cfg(test)]
mod tests;

pub use commands::{ConversationCommand, check_root};
pub use events::{ConversationEvent, Kind};
pub use rejections::ConversationRejection;
pub use state::{Conversation, RecentMessage};

use seriatim::prelude::*;

/// The most members of a group.
pub const MOST_MEMBERS: usize = 256;
/// The most characters of a message.
pub const MOST_CHARACTERS: usize = 4000;
/// The most characters of a group's name.
pub const MOST_NAME_CHARACTERS: usize = 100;
/// The most bytes of a message's id.
pub const MOST_ID_BYTES: usize = 64;
/// The most bytes of the time that a client gives.
pub const MOST_TIME_BYTES: usize = 64;
/// The most bytes of an emoji.
pub const MOST_EMOJI_BYTES: usize = 32;
/// The most different emoji on one message.
pub const MOST_EMOJI: usize = 20;
/// The most users with the same emoji on one message. Members change, so the limit of members does not bound it.
pub const MOST_USERS_OF_AN_EMOJI: usize = MOST_MEMBERS;
/// The number of newest messages that can still be edited, deleted and reacted to.
pub const RECENT_MESSAGES: usize = 1000;

/// # Merging
///
/// Every command is COMMUTATIVE. A sender who expects a sequence learns of what came between only if it matters:
///
/// - An edit names the revision that its author saw. After another edit of the same message it is rejected at the
///   current state, which makes it a conflict, and the answer has the other text. Posts, reactions, and edits of other
///   messages merge with it.
/// - A deletion keeps the revision that it deleted, so it matters whether an edit came before or after it: a conflict.
///   It takes the reactions with it, whether they came before or after: they merge.
/// - Reactions are sets, so those of several users merge, in any order.
/// - A post has the next number, so it is in conflict with other posts if it expects a sequence. A sender who only
///   wants to say something expects none.
///
/// The overlap is the default one, by order. `Overlap::Fields` would serialise the state after each event in between:
/// with a thousand messages in it, an edit would be refused as too much to compare when some hundred events came
/// between. It would also take two reactions with one emoji for a conflict.
impl Aggregate for Conversation {
    const DOMAIN: &'static str = "conversation";
    const OVERLAP: Overlap = Overlap::Order;
    type Command = ConversationCommand;
    type Event = ConversationEvent;
    type Rejection = ConversationRejection;

    fn decide(
        &self,
        command: &ConversationCommand,
    ) -> Result<Vec<ConversationEvent>, ConversationRejection> {
        decide::decide(self, command)
    }

    fn evolve(&mut self, event: &ConversationEvent) {
        evolve::evolve(self, event);
    }

    fn merge_strategy(_: &ConversationCommand) -> MergeStrategy {
        Commutative
    }
}
