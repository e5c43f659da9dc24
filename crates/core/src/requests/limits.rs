//! Defines the size limits of a request and of its events.

use crate::{
    ClaimKey, CommandRequest, ExpectedSequence, FactRequest, FieldViolation, Metadata, Payload,
    RejectedEffect, is_actor_of_reactions,
};

/// The message about an actor that is not a reaction but has the name of one.
const RESERVED_ACTOR: &str = "begins as only the actors of reactions do (`saga:`, `process-manager:`, `timer:`); take another";

/// The size limits of a request and of its events. A request that exceeds one is refused before anything is written.
///
/// Everything within these limits can be sent and read over gRPC. An event is smaller than clients accept by default, 4
/// MiB. A request, which a dead letter keeps whole, is smaller than a server accepts by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The number of commands or facts in one request. The default is 256.
    pub pages: usize,
    /// The bytes of one payload that is sent. The default is 1 MiB.
    pub payload_bytes: usize,
    /// The bytes of all payloads of one request. The default is 4 MiB.
    pub request_bytes: usize,
    /// The bytes of the payload of one event that a request gives. The default is 2 MiB, so that an aggregate can add
    /// to what was sent.
    pub event_bytes: usize,
    /// The bytes of the payloads of all events that one request gives. The default is 16 MiB.
    pub commit_bytes: usize,
    /// The bytes of an external id, a correlation id, or the name of a sender or a source. The default is 256.
    pub name_bytes: usize,
    /// The bytes of a fact's description. The default is 1,024.
    pub description_bytes: usize,
    /// The number of premises of one request. The default is 64.
    pub premises: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pages: 256,
            payload_bytes: 1024 * 1024,
            request_bytes: 4 * 1024 * 1024,
            event_bytes: 2 * 1024 * 1024,
            commit_bytes: 16 * 1024 * 1024,
            name_bytes: 256,
            description_bytes: 1024,
            premises: 64,
        }
    }
}

impl Limits {
    /// Returns everything that is wrong with the form of a command; empty if nothing is.
    pub fn check_command(&self, request: &CommandRequest) -> Vec<FieldViolation> {
        let mut found = self.check_metadata(&request.metadata, request.effect.is_some());
        self.check_pages(&mut found, "command", request.commands.iter());
        if request.premises.len() > self.premises {
            let message = format!(
                "{} premises; at most {} are allowed",
                request.premises.len(),
                self.premises
            );
            found.push(FieldViolation::new("premises", message));
        }
        if !request.premises.is_empty() && request.expected == ExpectedSequence::Any {
            found.push(FieldViolation::new(
                "premises",
                "a premise speaks of the state at the expected sequence, and none is expected: say at which sequence you looked",
            ));
        }
        found
    }

    /// Returns everything that is wrong with the form of a fact; empty if nothing is.
    pub fn check_fact(&self, request: &FactRequest) -> Vec<FieldViolation> {
        let mut found = self.check_metadata(&request.metadata, request.effect.is_some());
        if request.metadata.external_id.is_none() && request.effect.is_none() {
            found.push(FieldViolation::new(
                "cover.external_id",
                "a fact needs an external id, by which a repetition is recognised: give the id it has where it happened",
            ));
        }
        self.check_pages(
            &mut found,
            "event",
            request.facts.iter().map(|fact| &fact.payload),
        );
        for (at, fact) in request.facts.iter().enumerate() {
            let source = format!("pages[{at}].fact.source");
            if fact.origin.source.is_empty() {
                found.push(FieldViolation::new(
                    source,
                    "say where the fact comes from, for example `stripe`",
                ));
            } else {
                check_length(&mut found, &source, &fact.origin.source, self.name_bytes);
            }
            let description = format!("pages[{at}].fact.description");
            check_length(
                &mut found,
                &description,
                &fact.origin.description,
                self.description_bytes,
            );
        }
        found
    }

    /// Returns everything that is wrong with the form of a rejected effect; empty if nothing is.
    pub fn check_rejected(&self, rejected: &RejectedEffect) -> Vec<FieldViolation> {
        let mut found = self.check_metadata(&rejected.metadata, true);
        self.check_pages(&mut found, "command", rejected.commands.iter());
        found
    }

    /// Returns the events of a request that are too large; empty if none is.
    pub fn check_events<'a>(
        &self,
        events: impl Iterator<Item = &'a Payload>,
    ) -> Vec<FieldViolation> {
        let mut found = Vec::new();
        let mut all = 0;
        for (at, event) in events.enumerate() {
            let bytes = event.data.len();
            all += bytes;
            if bytes > self.event_bytes {
                let message = format!(
                    "`{}` would take {bytes} bytes; at most {} are allowed in one event, so ask for less at once",
                    event.type_name, self.event_bytes
                );
                found.push(FieldViolation::new(format!("events[{at}]"), message));
            }
        }
        if all > self.commit_bytes {
            let message = format!(
                "would take {all} bytes together; at most {} are allowed for one request, so ask for less at once",
                self.commit_bytes
            );
            found.push(FieldViolation::new("events", message));
        }
        found
    }

    /// Checks the metadata. The external id of an effect is not its key; it is only carried on.
    fn check_metadata(&self, metadata: &Metadata, effect: bool) -> Vec<FieldViolation> {
        let mut found = Vec::new();
        let reserved = |external_id: &String| ClaimKey::is_reserved(external_id);
        if !effect && metadata.external_id.as_ref().is_some_and(reserved) {
            found.push(FieldViolation::new(
                "cover.external_id",
                "begins with the character 0, as only the keys of reactions do; take another",
            ));
        }
        if !effect && (metadata.actor.as_deref()).is_some_and(is_actor_of_reactions) {
            found.push(FieldViolation::new("actor", RESERVED_ACTOR));
        }
        let names = [
            ("cover.external_id", &metadata.external_id),
            ("cover.correlation_id", &metadata.correlation_id),
            ("actor", &metadata.actor),
        ];
        for (field, name) in names {
            match name.as_deref() {
                Some("") => {
                    found.push(FieldViolation::new(field, "is empty; leave it out instead"));
                }
                Some(name) => check_length(&mut found, field, name, self.name_bytes),
                None => {}
            }
        }
        found
    }

    fn check_pages<'a>(
        &self,
        found: &mut Vec<FieldViolation>,
        field: &str,
        payloads: impl ExactSizeIterator<Item = &'a Payload>,
    ) {
        if payloads.len() == 0 {
            found.push(FieldViolation::new(
                "pages",
                "the book is empty; give at least one page",
            ));
        }
        if payloads.len() > self.pages {
            let message = format!(
                "{} pages; at most {} are allowed in one book",
                payloads.len(),
                self.pages
            );
            found.push(FieldViolation::new("pages", message));
            return;
        }
        let mut all = 0;
        for (at, payload) in payloads.enumerate() {
            all += payload.data.len();
            let field = format!("pages[{at}].{field}");
            if payload.type_name.is_empty() {
                found.push(FieldViolation::new(&field, "has no type name"));
            } else {
                check_length(found, &field, &payload.type_name, self.name_bytes);
            }
            if payload.data.len() > self.payload_bytes {
                let message = format!(
                    "{} bytes; at most {} are allowed in one payload",
                    payload.data.len(),
                    self.payload_bytes
                );
                found.push(FieldViolation::new(&field, message));
            }
        }
        if all > self.request_bytes {
            let message = format!(
                "{all} bytes of payloads; at most {} are allowed in one book",
                self.request_bytes
            );
            found.push(FieldViolation::new("pages", message));
        }
    }
}

fn check_length(found: &mut Vec<FieldViolation>, field: &str, text: &str, limit: usize) {
    if text.len() > limit {
        let message = format!("{} bytes; at most {limit} are allowed", text.len());
        found.push(FieldViolation::new(field, message));
    }
}
