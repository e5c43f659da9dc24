//! The messages that are counted: the same under every scope.

use seriatim::prelude::Uuid;

use crate::conversation::ConversationCommand;
use crate::users::direct_root;

/// The people, in the order of the columns.
pub(super) const PEOPLE: [&str; 3] = ["ann", "bob", "eve"];

/// The root of the group. Roots of conversations are fixed, so that they are in the same partitions each time.
const TRIP: Uuid = Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_0000);

/// A conversation of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talk {
    AnnAndBob,
    BobAndEve,
    Trip,
}

impl Talk {
    pub(super) const ALL: [Self; 3] = [Self::AnnAndBob, Self::BobAndEve, Self::Trip];

    /// The name by which its counter is shown.
    pub(super) fn short(self) -> &'static str {
        match self {
            Self::AnnAndBob => "A",
            Self::BobAndEve => "B",
            Self::Trip => "C",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AnnAndBob => "ann and bob",
            Self::BobAndEve => "bob and eve",
            Self::Trip => "the group trip",
        }
    }

    pub(super) fn root(self) -> Uuid {
        match self {
            Self::AnnAndBob => direct_root("ann", "bob"),
            Self::BobAndEve => direct_root("bob", "eve"),
            Self::Trip => TRIP,
        }
    }

    pub(super) fn start(self) -> ConversationCommand {
        let direct = |by: &str, with: &str| ConversationCommand::Start {
            by: by.into(),
            with: with.into(),
        };
        match self {
            Self::AnnAndBob => direct("ann", "bob"),
            Self::BobAndEve => direct("bob", "eve"),
            Self::Trip => ConversationCommand::StartGroup {
                by: "ann".into(),
                name: "trip".into(),
                members: vec!["bob".into(), "eve".into()],
            },
        }
    }
}

/// A message of the script.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) by: &'static str,
    pub(super) talk: Talk,
    pub(super) text: &'static str,
}

/// The messages, in the order in which they are sent. Those of Ann and Bob are the ones of the specification.
pub(super) const LINES: [Line; 8] = [
    line("ann", Talk::AnnAndBob, "hey"),
    line("ann", Talk::AnnAndBob, "you there"),
    line("eve", Talk::BobAndEve, "lunch?"),
    line("bob", Talk::AnnAndBob, "hi"),
    line("ann", Talk::AnnAndBob, "hello??"),
    line("bob", Talk::BobAndEve, "at one"),
    line("eve", Talk::Trip, "who drives?"),
    line("ann", Talk::Trip, "me"),
];

const fn line(by: &'static str, talk: Talk, text: &'static str) -> Line {
    Line { by, talk, text }
}
