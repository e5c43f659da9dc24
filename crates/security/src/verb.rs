//! Names the things that a caller may do.

use std::fmt;
use std::str::FromStr;

/// Something that a caller may do. A grant gives it for some domains; those of the whole server have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Send commands.
    Submit,
    /// Ask what a command would do. The answer shows a state, so it needs [`Verb::Read`] too.
    Simulate,
    /// Record facts.
    RecordFact,
    /// Send the effects of reactions that run elsewhere, and hand rejected ones back.
    React,
    /// Read events, states and the list of streams.
    Read,
    /// Follow the log. Events of other domains are left out.
    Subscribe,
    /// See dead letters without payloads and states.
    LettersRead,
    /// See the payloads of dead letters, and the states that belong to them.
    LettersPayload,
    /// Decide about dead letters. To send a command again needs no [`Verb::Submit`].
    LettersResolve,
    /// Pause, resume and move components; switch and drop versions of read models.
    Operate,
    /// See progress, the results of audits, and metrics.
    Observe,
    /// Make, list and revoke tokens; reload the configuration; read what operators did.
    Admin,
    /// Name somebody else as the actor. It is for gateways that speak for their users.
    ActFor,
}

impl Verb {
    /// All verbs, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::Submit,
        Self::Simulate,
        Self::RecordFact,
        Self::React,
        Self::Read,
        Self::Subscribe,
        Self::LettersRead,
        Self::LettersPayload,
        Self::LettersResolve,
        Self::Operate,
        Self::Observe,
        Self::Admin,
        Self::ActFor,
    ];

    /// Returns its name in configurations and messages, for example `letters.read`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Simulate => "simulate",
            Self::RecordFact => "record-fact",
            Self::React => "react",
            Self::Read => "read",
            Self::Subscribe => "subscribe",
            Self::LettersRead => "letters.read",
            Self::LettersPayload => "letters.payload",
            Self::LettersResolve => "letters.resolve",
            Self::Operate => "operate",
            Self::Observe => "observe",
            Self::Admin => "admin",
            Self::ActFor => "act-for",
        }
    }

    /// Returns whether it is granted for domains. The others are about the whole server.
    pub const fn is_of_domains(self) -> bool {
        !matches!(
            self,
            Self::Operate | Self::Observe | Self::Admin | Self::ActFor
        )
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Verb {
    type Err = UnknownVerb;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|verb| verb.name() == name);
        found.ok_or_else(|| UnknownVerb { name: name.into() })
    }
}

/// The error for a verb that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no verb `{name}`; the verbs are {}", names())]
pub struct UnknownVerb {
    /// The value that was given.
    pub name: String,
}

fn names() -> String {
    Verb::ALL.map(|verb| format!("`{verb}`")).join(", ")
}
