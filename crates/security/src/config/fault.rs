//! Says what is wrong with a configuration, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{InvalidName, InvalidPattern, Verb};

/// The place of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a file, or in text that was given.
    Text {
        /// The name of the file.
        file: Arc<str>,
        /// The line, from 1 on.
        line: usize,
        /// The column, from 1 on, in characters.
        column: usize,
    },
    /// In an environment variable.
    Environment {
        /// The name of the variable.
        variable: Arc<str>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Environment { variable } => f.write_str(variable),
        }
    }
}

/// One fault of a configuration.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {}{wrong}", quoted(.key))]
pub struct ConfigFault {
    /// Where it is.
    pub place: Place,
    /// The whole path of the key, for example `tls.certificate`; empty if it is about the whole text.
    pub key: String,
    /// What is wrong.
    pub wrong: Wrong,
}

fn quoted(key: &str) -> String {
    match key {
        "" => String::new(),
        key => format!("`{key}` "),
    }
}

/// What is wrong with a value of a configuration. The messages begin with a verb, after the key.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// The text is no TOML.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// The environment variable is not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// There is no such key.
    #[error("is no key{}", suggest(.nearest.as_deref()))]
    UnknownKey {
        /// The known key with the most similar name.
        nearest: Option<String>,
    },
    /// A key is missing.
    #[error("needs the key `{key}`")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// The value has another type.
    #[error("is {found}; give {expected}")]
    Type {
        /// The type that is needed.
        expected: &'static str,
        /// The type of the value.
        found: &'static str,
    },
    /// The number is too small or too large.
    #[error("is {given}; give a number from {least} to {most}")]
    Number {
        /// The value that was given.
        given: i64,
        /// The smallest number that is allowed.
        least: u32,
        /// The largest one.
        most: u32,
    },
    /// The value is none of those that are allowed.
    #[error("is `{given}`; give one of {}{}", list(.allowed), suggest(.nearest.as_deref()))]
    Choice {
        /// The value that was given.
        given: String,
        /// The values that are allowed.
        allowed: Vec<&'static str>,
        /// The most similar one.
        nearest: Option<String>,
    },
    /// It is no address to listen on.
    #[error("is `{given}`; give an address and a port, for example `127.0.0.1:50051`")]
    Address {
        /// The value that was given.
        given: String,
    },
    /// The role is not defined.
    #[error("names the role `{role}`, which is not defined{}", suggest(.nearest.as_deref()))]
    UnknownRole {
        /// The name that was given.
        role: String,
        /// The role with the most similar name.
        nearest: Option<String>,
    },
    /// There is no such verb.
    #[error("is no verb{}; the verbs are {}", suggest(.nearest.as_deref()), list(&Verb::ALL.map(Verb::name)))]
    UnknownVerb {
        /// The verb with the most similar name.
        nearest: Option<String>,
    },
    /// It selects no domains.
    #[error("is wrong: {0}")]
    Pattern(InvalidPattern),
    /// The verb is about the whole server.
    #[error("is about the whole server and not about domains; write `{verb} = true`")]
    OfServer {
        /// The verb.
        verb: Verb,
    },
    /// The verb needs domains.
    #[error("needs the domains that it is granted for; write `\"{verb}\" = [\"*\"]` for all")]
    OfDomains {
        /// The verb.
        verb: Verb,
    },
    /// No principal may have the name.
    #[error("is wrong: {0}")]
    Name(InvalidName),
    /// The name of a role is empty, too long, or has control characters.
    #[error("is no name for a role; take 1 to 200 bytes without control characters")]
    RoleName,
    /// Two principals would be shown by the same name or subject.
    #[error("has `{value}`, as `{other}` has; it can show only one principal")]
    Twice {
        /// The name in a certificate, or the subject.
        value: String,
        /// The other key that has it.
        other: String,
    },
    /// The value is empty.
    #[error("is empty; leave it out, or give a value")]
    Empty,
    /// The value does nothing without another one.
    #[error("has no effect without `{needs}`; add that, or leave this out")]
    Needs {
        /// The key that is missing.
        needs: &'static str,
    },
    /// Callers must show who they are, but there is no way in which they could.
    #[error(
        "lets nobody in: set `authentication.tokens`, `authentication.jwt`, or `tls.client_ca` with certificates of principals"
    )]
    NoWayIn,
    /// An algorithm with which everybody who checks a token could make one, or none at all.
    #[error(
        "has `{algorithm}`, with which anybody who can check a token can make one; take one with a public key, for example `RS256`"
    )]
    NotAsymmetric {
        /// The algorithm.
        algorithm: String,
    },
    /// It names no keys.
    #[error("is `{given}`; give a file, an `https://` URL, or an `http://` URL of this machine")]
    Jwks {
        /// The value that was given.
        given: String,
    },
    /// A file cannot be read.
    #[error("names the file {}, which cannot be read: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A secret file is open to others.
    #[error("names the file {}, which everybody on this machine can read or change; run `chmod 600` on it", .path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
    },
    /// The keys in a file cannot be used.
    #[error("names the file {}, which is no set of keys: {why}", .path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
}

fn suggest(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Everything that is wrong with a configuration, in the order of the text.
#[derive(Debug)]
pub struct ConfigFaults(pub(super) Vec<ConfigFault>);

impl ConfigFaults {
    /// Returns the faults. There is at least one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ConfigFault> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for ConfigFaults {}

/// The reason why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {} cannot be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It has faults.
    #[error(transparent)]
    Faults(#[from] ConfigFaults),
}
