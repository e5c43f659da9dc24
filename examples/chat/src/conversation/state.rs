//! The state of a conversation: what its decisions need to know. Texts are in the events only.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ConversationRejection, Kind};

/// A conversation.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// What it is; `None` until it is started.
    pub kind: Option<Kind>,
    /// The name of a group.
    pub name: Option<String>,
    /// The users who may read and write it now.
    pub members: BTreeSet<String>,
    /// The number of all messages, which is the number of the newest one.
    pub messages: u32,
    /// The newest messages by id; at most [`RECENT_MESSAGES`](super::RECENT_MESSAGES).
    pub recent: BTreeMap<String, RecentMessage>,
}

/// A message that can still be changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecentMessage {
    /// Its number in the conversation, from 1 on.
    pub number: u32,
    /// The user who posted it.
    pub author: String,
    /// 1, and one more for each edit.
    pub revision: u32,
    /// True if its author deleted it. The revision is then the one that was deleted.
    pub deleted: bool,
    /// The users by the emoji that they put on it. Nothing is on a deleted message.
    pub reactions: BTreeMap<String, BTreeSet<String>>,
}

impl Conversation {
    /// Returns whether a user may read and write it.
    pub fn has_member(&self, user: &str) -> bool {
        self.members.contains(user)
    }

    /// Returns a message that is not deleted. Fails with the reason why there is none.
    pub(super) fn standing(&self, id: &str) -> Result<&RecentMessage, ConversationRejection> {
        let message = id.to_owned();
        match self.recent.get(id) {
            Some(found) if found.deleted => Err(ConversationRejection::DeletedAlready { message }),
            Some(found) => Ok(found),
            // Which ids are no longer kept is not known: while there are some, this may be one of them.
            None if self.has_old_messages() => Err(ConversationRejection::TooOld { message }),
            None => Err(ConversationRejection::NoSuchMessage { message }),
        }
    }

    /// Returns a message that is not deleted and that `user` posted. Fails with the reason why there is none.
    pub(super) fn own(
        &self,
        id: &str,
        user: &str,
    ) -> Result<&RecentMessage, ConversationRejection> {
        let by_another = |found: &RecentMessage| found.author != user;
        if self.recent.get(id).is_some_and(by_another) {
            let message = id.to_owned();
            return Err(ConversationRejection::NotYours { message });
        }
        self.standing(id)
    }

    fn has_old_messages(&self) -> bool {
        usize::try_from(self.messages).unwrap_or(usize::MAX) > self.recent.len()
    }
}
