//! The list of conversations of a user, in browsers.

use std::collections::BTreeSet;

use serde::Serialize;
use seriatim::prelude::Uuid;
use seriatim::{NoRequests, Room, Sent};

use crate::conversation::Kind;
use crate::inbox::{Inbox, InboxCommand};
use crate::users::inbox_root;

/// What a user is shown of the own inbox on joining it.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct InboxView {
    /// The conversations that the user is in.
    pub conversations: Vec<InboxEntry>,
}

/// A conversation that a user is in.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct InboxEntry {
    /// Its root.
    pub conversation: Uuid,
    /// Direct or a group.
    pub kind: Kind,
    /// The name of a group.
    pub name: Option<String>,
    /// The members of a direct conversation.
    pub members: BTreeSet<String>,
}

impl Room for Inbox {
    type Request = NoRequests;
    type View = InboxView;

    fn may_read(&self, root: Uuid, user: &str) -> bool {
        root == inbox_root(user)
    }

    fn view(&self, _: Uuid, _: &str) -> InboxView {
        let conversations = self.conversations.iter().map(|(root, entry)| InboxEntry {
            conversation: *root,
            kind: entry.kind,
            name: entry.name.clone(),
            members: entry.members.clone(),
        });
        InboxView {
            conversations: conversations.collect(),
        }
    }

    fn command(_: Uuid, sent: Sent<'_, NoRequests>) -> Result<InboxCommand, String> {
        match sent.request {}
    }
}
