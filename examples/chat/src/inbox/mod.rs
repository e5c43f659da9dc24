//! The conversations that a user is in. The saga [`Membership`](crate::Membership) keeps it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

use crate::conversation::Kind;

/// Something that happened to an inbox. The names and fields are what is stored: change them with care.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub enum InboxEvent {
    /// The user is in a conversation.
    Entered {
        /// The root of the conversation.
        conversation: Uuid,
        /// What it is.
        kind: Kind,
        /// The name of a group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The two members of a direct conversation. It is empty for a group, whose members come and go.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        members: BTreeSet<String>,
    },
    /// The user is in a conversation no more.
    Exited {
        /// The root of the conversation.
        conversation: Uuid,
    },
}

/// A command to an inbox. Only the saga sends them.
#[derive(Command, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub enum InboxCommand {
    /// Adds a conversation. If it is there as it is, nothing happens.
    Enter {
        /// The root of the conversation.
        conversation: Uuid,
        /// What it is.
        kind: Kind,
        /// The name of a group.
        name: Option<String>,
        /// The two members of a direct conversation; empty for a group.
        members: BTreeSet<String>,
    },
    /// Takes a conversation out. If it is not there, nothing happens.
    Exit {
        /// The root of the conversation.
        conversation: Uuid,
    },
}

/// The conversations of a user.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inbox {
    /// What is shown of each conversation, by its root.
    pub conversations: BTreeMap<Uuid, Entry>,
}

/// A conversation in an inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// The name of a group.
    pub name: Option<String>,
    /// The two members of a direct conversation; empty for a group.
    pub members: BTreeSet<String>,
}

impl Aggregate for Inbox {
    const DOMAIN: &'static str = "inbox";
    type Command = InboxCommand;
    type Event = InboxEvent;
    type Rejection = Never;

    fn decide(&self, command: &InboxCommand) -> Result<Vec<InboxEvent>, Never> {
        Ok(match command.clone() {
            InboxCommand::Enter {
                conversation,
                kind,
                name,
                members,
            } => {
                let entry = Entry {
                    kind,
                    name: name.clone(),
                    members: members.clone(),
                };
                match self.conversations.get(&conversation) == Some(&entry) {
                    true => Vec::new(),
                    false => vec![InboxEvent::Entered {
                        conversation,
                        kind,
                        name,
                        members,
                    }],
                }
            }
            InboxCommand::Exit { conversation } => {
                match self.conversations.contains_key(&conversation) {
                    true => vec![InboxEvent::Exited { conversation }],
                    false => Vec::new(),
                }
            }
        })
    }

    fn evolve(&mut self, event: &InboxEvent) {
        match event.clone() {
            InboxEvent::Entered {
                conversation,
                kind,
                name,
                members,
            } => {
                let entry = Entry {
                    kind,
                    name,
                    members,
                };
                self.conversations.insert(conversation, entry);
            }
            InboxEvent::Exited { conversation } => {
                self.conversations.remove(&conversation);
            }
        }
    }
}
