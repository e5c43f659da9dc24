//! How far each member of a conversation has read. The stream has the same root as the conversation; the saga
//! [`Membership`](crate::Membership) admits and dismisses members.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

/// Something that happened to the read marks. The names and fields are what is stored: change them with care.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub enum ReadMarksEvent {
    /// A user has become a member, and has read nothing yet.
    Admitted {
        /// The user.
        user: String,
    },
    /// A user is no member any more.
    Dismissed {
        /// The user.
        user: String,
    },
    /// A member has read up to a message.
    Marked {
        /// The member.
        by: String,
        /// The number of the message in the conversation.
        number: u32,
    },
}

/// A command to the read marks.
#[derive(Command, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub enum ReadMarksCommand {
    /// Lets a user have a mark. Only the saga sends it.
    Admit {
        /// The user.
        user: String,
    },
    /// Takes a user's mark. Only the saga sends it.
    Dismiss {
        /// The user.
        user: String,
    },
    /// Moves one's own mark forward. If it is there or further, nothing happens.
    Mark {
        /// The member.
        by: String,
        /// The number of the last message that was read.
        number: u32,
    },
}

/// The reason for which the read marks reject a command.
#[derive(Rejection, thiserror::Error, Debug, PartialEq)]
pub enum ReadMarksRejection {
    /// The user is not a member, or there is no such conversation: the answer does not say which.
    #[error("you are not a member of this conversation")]
    NotAMember,
}

/// How far each member has read.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadMarks {
    /// The number of the last message that a member has read, by member; 0 if none.
    pub marks: BTreeMap<String, u32>,
}

impl Aggregate for ReadMarks {
    const DOMAIN: &'static str = "read-marks";
    type Command = ReadMarksCommand;
    type Event = ReadMarksEvent;
    type Rejection = ReadMarksRejection;

    fn decide(
        &self,
        command: &ReadMarksCommand,
    ) -> Result<Vec<ReadMarksEvent>, ReadMarksRejection> {
        use ReadMarksCommand::*;

        Ok(match command.clone() {
            Admit { user } if self.marks.contains_key(&user) => Vec::new(),
            Admit { user } => vec![ReadMarksEvent::Admitted { user }],
            Dismiss { user } if self.marks.contains_key(&user) => {
                vec![ReadMarksEvent::Dismissed { user }]
            }
            Dismiss { .. } => Vec::new(),
            Mark { by, number } => match self.marks.get(&by) {
                None => return Err(ReadMarksRejection::NotAMember),
                Some(read) if *read >= number => Vec::new(),
                Some(_) => vec![ReadMarksEvent::Marked { by, number }],
            },
        })
    }

    fn evolve(&mut self, event: &ReadMarksEvent) {
        match event.clone() {
            ReadMarksEvent::Admitted { user } => drop(self.marks.entry(user).or_default()),
            ReadMarksEvent::Dismissed { user } => drop(self.marks.remove(&user)),
            ReadMarksEvent::Marked { by, number } => {
                if let Some(read) = self.marks.get_mut(&by) {
                    *read = number.max(*read);
                }
            }
        }
    }

    /// Marks of different members do not overlap, and of two devices of one member the further one counts.
    fn merge_strategy(_: &ReadMarksCommand) -> MergeStrategy {
        Commutative
    }
}
