//! Compares content by its hash.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::events::payload::hex;
use crate::{CommandRequest, FactRequest, Payload, RejectedEffect, Tree};

/// The SHA-256 of what a command or a fact asks for. It tells a repetition from another use of the same external id
/// (the idempotency key).
///
/// Only the content counts: type names and payloads, and for facts their sources. The expectation, the strategy and
/// descriptions do not count, because a sender that repeats a request after a lost answer may have read again. JSON
/// counts by its meaning: white space, the order of keys and the notation of a number do not matter. All digits of a
/// number do.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// Returns the hash of a command.
    pub fn of_command(request: &CommandRequest) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"command");
        request
            .commands
            .iter()
            .for_each(|command| update(&mut hasher, command));
        Self(hasher.finalize().into())
    }

    /// Returns the hash of a fact.
    pub fn of_fact(request: &FactRequest) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"fact");
        for fact in &request.facts {
            update_field(&mut hasher, fact.origin.source.as_bytes());
            update(&mut hasher, &fact.payload);
        }
        Self(hasher.finalize().into())
    }

    /// Returns the hash of an effect that is handed back.
    pub fn of_rejected(rejected: &RejectedEffect) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"rejected");
        update_field(&mut hasher, rejected.rejected.code.as_bytes());
        for command in &rejected.commands {
            update(&mut hasher, command);
        }
        Self(hasher.finalize().into())
    }

    /// Returns the hash of a state, by its JSON.
    pub fn of_state<S: Serialize>(state: &S) -> Result<Self, serde_json::Error> {
        let text = Tree::of(state)?.canonical();
        Ok(Self(Sha256::digest(text.as_bytes()).into()))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn update(hasher: &mut Sha256, payload: &Payload) {
    update_field(hasher, payload.type_name.as_bytes());
    match payload.tree() {
        Some(tree) => update_field(hasher, tree.canonical().as_bytes()),
        None => update_field(hasher, &payload.data),
    }
}

/// Adds a field after its length, so that two different lists of fields never give the same bytes.
fn update_field(hasher: &mut Sha256, field: &[u8]) {
    hasher.update((field.len() as u64).to_be_bytes());
    hasher.update(field);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Domain, ExpectedSequence, Sequence, StreamId};
    use uuid::Uuid;

    fn command(type_name: &'static str, text: &'static str) -> CommandRequest {
        let stream = StreamId::new(Domain::new("account").unwrap(), Uuid::nil());
        CommandRequest::new(stream, Payload::json(type_name, text))
    }

    fn hash(type_name: &'static str, text: &'static str) -> ContentHash {
        ContentHash::of_command(&command(type_name, text))
    }

    #[test]
    fn json_counts_by_its_meaning() {
        assert_eq!(
            hash("A", r#"{"a":1,"b":[2]}"#),
            hash("A", r#"{ "b": [2], "a": 1 }"#)
        );
        assert_ne!(hash("A", r#"{"a":1}"#), hash("A", r#"{"a":2}"#));
        assert_ne!(hash("A", "{}"), hash("B", "{}"));
    }

    #[test]
    fn every_digit_of_a_number_counts_and_not_how_it_is_written() {
        let of = |number: &'static str| hash("A", number);
        assert_ne!(of("20000000000000000000"), of("20000000000000000001"));
        assert_ne!(of("0.1000000000000000000001"), of("0.1"));
        assert_ne!(of("-0.0"), of("0.0"));
        assert_ne!(of("1e400"), of("1e401"));
        for same in ["1500", "1500.0", "1.5e3", "15E+2", "150000e-2"] {
            assert_eq!(of(same), of("1500"), "{same}");
        }
    }

    #[test]
    fn the_expectation_does_not_count() {
        let mut again = command("A", "{}");
        again.expected = ExpectedSequence::Exactly(Sequence(7));
        assert_eq!(ContentHash::of_command(&again), hash("A", "{}"));
    }

    #[test]
    fn two_commands_are_not_one_longer_command() {
        let mut two = command("A", "1");
        two.commands.push(Payload::json("B", "2"));
        let mut other = command("A", "1B2");
        other.commands.push(Payload::json("", ""));
        assert_ne!(
            ContentHash::of_command(&two),
            ContentHash::of_command(&other)
        );
    }
}
