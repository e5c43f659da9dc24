//! A club whose members post to one another: what the tests follow.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::Payload;
use seriatim::prelude::*;
use seriatim::{Room, Sent};

/// A name of a club about which its code panics.
pub(crate) const PANICS: &str = "panic";

/// A user for whom the code of a club takes its time.
pub(crate) const SLOTH: &str = "sloth";
pub(crate) const SLOWNESS: Duration = Duration::from_millis(150);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    Founded { by: String },
    Invited { user: String },
    Removed { user: String },
    Posted { by: String, text: String },
    Renamed { name: String },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum Do {
    Found {
        by: String,
    },
    Invite {
        by: String,
        user: String,
    },
    Remove {
        by: String,
        user: String,
    },
    /// Removes somebody and says something, in one append.
    RemoveAndPost {
        by: String,
        user: String,
        text: String,
    },
    Post {
        by: String,
        text: String,
    },
    PostMany {
        by: String,
        text: String,
        count: usize,
    },
    Rename {
        by: String,
        name: String,
    },
}

#[derive(Rejection, thiserror::Error, Debug)]
pub(crate) enum No {
    #[error("the club exists")]
    Exists,
    #[error("{user} is not a member")]
    NotAMember { user: String },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Club {
    pub(crate) members: Vec<String>,
    pub(crate) posts: usize,
    name: String,
}

impl Club {
    fn check(&self, user: &str) -> Result<(), No> {
        match self.members.iter().any(|member| member == user) {
            true => Ok(()),
            false => Err(No::NotAMember { user: user.into() }),
        }
    }
}

impl Aggregate for Club {
    const DOMAIN: &'static str = "club";
    type Command = Do;
    type Event = Happened;
    type Rejection = No;

    fn decide(&self, command: &Do) -> Result<Vec<Happened>, No> {
        if !matches!(command, Do::Found { .. }) {
            let (Do::Invite { by, .. }
            | Do::Remove { by, .. }
            | Do::RemoveAndPost { by, .. }
            | Do::Post { by, .. }
            | Do::PostMany { by, .. }
            | Do::Rename { by, .. }
            | Do::Found { by }) = command;
            self.check(by)?;
        }
        let posted = |by: &str, text: &str| Happened::Posted {
            by: by.into(),
            text: text.into(),
        };
        Ok(match command.clone() {
            Do::Found { .. } if !self.members.is_empty() => return Err(No::Exists),
            Do::Found { by } => vec![Happened::Founded { by }],
            Do::Invite { user, .. } => vec![Happened::Invited { user }],
            Do::Remove { user, .. } => vec![Happened::Removed { user }],
            Do::RemoveAndPost { by, user, text } => {
                vec![Happened::Removed { user }, posted(&by, &text)]
            }
            Do::Post { by, text } => vec![posted(&by, &text)],
            Do::PostMany { by, text, count } => vec![posted(&by, &text); count],
            Do::Rename { name, .. } => vec![Happened::Renamed { name }],
        })
    }

    fn evolve(&mut self, event: &Happened) {
        match event {
            Happened::Founded { by } => self.members.push(by.clone()),
            Happened::Invited { user } => self.members.push(user.clone()),
            Happened::Removed { user } => self.members.retain(|member| member != user),
            Happened::Posted { .. } => self.posts += 1,
            Happened::Renamed { name } => self.name = name.clone(),
        }
    }

    fn merge_strategy(command: &Do) -> MergeStrategy {
        match command {
            Do::Rename { .. } => Strict,
            Do::Post { .. } | Do::PostMany { .. } => Commutative,
            Do::Found { .. } | Do::Invite { .. } | Do::Remove { .. } | Do::RemoveAndPost { .. } => {
                Commutative
            }
        }
    }

    fn upcast(stored: Payload) -> Payload {
        match &*stored.type_name {
            "Greeted" => Payload::nothing(),
            _ => stored,
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Request {
    Found,
    Invite { user: String },
    Remove { user: String },
    Post { text: String },
    Rename { name: String },
}

#[derive(Serialize)]
pub(crate) struct Seen {
    members: Vec<String>,
    posts: usize,
}

impl Room for Club {
    type Request = Request;
    type View = Seen;

    fn may_read(&self, _: Uuid, user: &str) -> bool {
        assert!(
            !self.name.contains(PANICS),
            "a club with this name cannot be asked"
        );
        self.members.iter().any(|member| member == user)
    }

    fn view(&self, _: Uuid, user: &str) -> Seen {
        if user == SLOTH {
            std::thread::sleep(SLOWNESS);
        }
        Seen {
            members: self.members.clone(),
            posts: self.posts,
        }
    }

    fn command(_: Uuid, sent: Sent<'_, Request>) -> Result<Do, String> {
        let by = sent.user.to_owned();
        Ok(match sent.request {
            Request::Found => Do::Found { by },
            Request::Invite { user } => Do::Invite { by, user },
            Request::Remove { user } => Do::Remove { by, user },
            Request::Post { text } if text.is_empty() => return Err("say something".into()),
            Request::Post { text } => Do::Post { by, text },
            Request::Rename { name } => Do::Rename { by, name },
        })
    }
}
