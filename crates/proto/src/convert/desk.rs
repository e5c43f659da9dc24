//! Converts letters of all kinds, and the questions about them.

use prost_types::Any;
use seriatim_core::{
    Action, Assignee, Attempt, DeadLetter, Decider, Decision, FactOrigin, HappenedAnyway,
    LetterFilter, LetterKind, LetterStatus, NewFact, OpenLetter, Payload, StreamId, Tried, Verb,
};
use v1::dead_letter::Letter;
use v1::dead_letter_service_get_response::Letter as Opened;

use super::annotation::assignee_field;
use super::identity::{domain, non_empty, optional_uuid, uuid};
use super::invalid::{Found, Invalid, required};
use super::operator::optional_component;
use super::payload::{any, payload, without_content};
use super::time::time;
use crate::v1;

impl From<LetterStatus> for v1::DeadLetterStatus {
    fn from(status: LetterStatus) -> Self {
        match status {
            LetterStatus::Parked => Self::Parked,
            LetterStatus::Resolved => Self::Resolved,
            LetterStatus::Discarded => Self::Discarded,
        }
    }
}

/// Reads a status by its number. Returns `None` if it is not given.
pub(super) fn letter_status(number: i32) -> Result<Option<LetterStatus>, Invalid> {
    match v1::DeadLetterStatus::try_from(number) {
        Ok(v1::DeadLetterStatus::Unspecified) => Ok(None),
        Ok(v1::DeadLetterStatus::Parked) => Ok(Some(LetterStatus::Parked)),
        Ok(v1::DeadLetterStatus::Resolved) => Ok(Some(LetterStatus::Resolved)),
        Ok(v1::DeadLetterStatus::Discarded) => Ok(Some(LetterStatus::Discarded)),
        Err(_) => Err(Invalid::field(
            "status",
            format!("{number} is no status of a dead letter"),
        )),
    }
}

fn letter_kind(number: i32) -> Result<Option<LetterKind>, Invalid> {
    match v1::DeadLetterKind::try_from(number) {
        Ok(v1::DeadLetterKind::Unspecified) => Ok(None),
        Ok(v1::DeadLetterKind::Command) => Ok(Some(LetterKind::Command)),
        Ok(v1::DeadLetterKind::Reaction) => Ok(Some(LetterKind::Reaction)),
        Err(_) => Err(Invalid::field(
            "kind",
            format!("{number} is no kind of dead letter"),
        )),
    }
}

/// Reads a verb by its number.
pub(super) fn verb(number: i32) -> Result<Verb, Invalid> {
    match v1::DeadLetterVerb::try_from(number) {
        Ok(v1::DeadLetterVerb::Resubmit) => Ok(Verb::Resubmit),
        Ok(v1::DeadLetterVerb::Discard) => Ok(Verb::Discard),
        Ok(v1::DeadLetterVerb::Unspecified) | Err(_) => Err(Invalid::field(
            "verb",
            "say what is to be done: resubmit or discard",
        )),
    }
}

/// Returns the filter that a `List` asks for. Its token is the id of the last letter of the page before.
pub fn letter_filter(request: &v1::DeadLetterServiceListRequest) -> Result<LetterFilter, Invalid> {
    let mut found = Found::default();
    let root = found.take(optional_uuid(request.root.as_ref(), "root"));
    let status = found.take(letter_status(request.status));
    let kind = found.take(letter_kind(request.kind));
    let component = found.take(optional_component(&request.component));
    let after = found.take(match request.page_token.as_str() {
        "" => Ok(None),
        token => token.parse().map(Some).map_err(|_| {
            Invalid::field(
                "page_token",
                "give the `next_page_token` of the page before",
            )
        }),
    });
    let domain = found.take(match request.domain.as_str() {
        "" if root.is_some_and(|root| root.is_some()) => {
            Err(Invalid::field("domain", "a root needs its domain"))
        }
        "" => Ok(None),
        name => domain(name, "domain").map(Some),
    });
    let read = (|| {
        let (domain, root) = (domain?, root?);
        Some(LetterFilter {
            kind: kind?,
            component: component?,
            stream: domain
                .clone()
                .zip(root)
                .map(|(domain, root)| StreamId::new(domain, root)),
            domain,
            status: status?,
            fault: request.fault.clone(),
            assignee: request.assignee.as_deref().map(Assignee::named),
            latest_first: request.latest_first,
            after: after?,
        })
    })();
    found.give(read)
}

/// Makes the request for the letters that pass a filter. The caller sets its page token.
pub(crate) fn list_request(filter: &LetterFilter) -> v1::DeadLetterServiceListRequest {
    let stream = filter.stream.as_ref();
    let domain = stream.map(|stream| &stream.domain);
    let domain = domain.or(filter.domain.as_ref());
    let kind = filter.kind.map(|kind| match kind {
        LetterKind::Command => v1::DeadLetterKind::Command,
        LetterKind::Reaction => v1::DeadLetterKind::Reaction,
    });
    let component = filter.component.as_ref();
    let status = filter.status.map(v1::DeadLetterStatus::from);
    v1::DeadLetterServiceListRequest {
        domain: domain.map(ToString::to_string).unwrap_or_default(),
        root: stream.map(|stream| stream.root.into()),
        status: status.unwrap_or_default().into(),
        page_size: 0,
        page_token: String::new(),
        kind: kind.unwrap_or_default().into(),
        component: component.map(ToString::to_string).unwrap_or_default(),
        latest_first: filter.latest_first,
        fault: filter.fault.clone(),
        assignee: filter.assignee.as_ref().map(assignee_field),
    }
}

/// Reads a request to try a letter again. `actor` comes from the request's metadata.
pub fn resubmission(
    request: v1::DeadLetterServiceResubmitRequest,
    actor: Option<String>,
) -> Result<Decision, Invalid> {
    Ok(Decision {
        letter: uuid(request.id.as_ref(), "id")?,
        action: Action::Resubmit {
            expected: request.expected.unwrap_or_default().into(),
        },
        actor,
        reason: non_empty(request.reason),
    })
}

/// Reads a request to do something else in place of a parked command. `actor` comes from the request's metadata.
pub fn editing(
    request: v1::DeadLetterServiceEditRequest,
    actor: Option<String>,
) -> Result<Decision, Invalid> {
    Ok(Decision {
        letter: uuid(request.id.as_ref(), "id")?,
        action: Action::Edit {
            commands: payloads(request.commands, "commands")?,
            expected: request.expected.unwrap_or_default().into(),
        },
        actor,
        reason: non_empty(request.reason),
    })
}

/// Reads a request to record what happened anyway. `actor` comes from the request's metadata.
pub fn recording(
    request: v1::DeadLetterServiceRecordRequest,
    actor: Option<String>,
) -> Result<Decision, Invalid> {
    let mut found = Found::default();
    let letter = found.take(uuid(request.id.as_ref(), "id"));
    let event = found.take(payload(request.event, "event"));
    let read = letter.zip(event).map(|(letter, payload)| Decision {
        letter,
        action: Action::Record(Box::new(HappenedAnyway {
            fact: NewFact {
                payload,
                origin: FactOrigin {
                    source: request.source,
                    description: request.description,
                },
            },
            external_id: request.external_id,
            route_to_aggregate: request.route_facts_to_aggregate,
        })),
        actor,
        reason: non_empty(request.reason),
    });
    found.give(read)
}

fn payloads(packed: Vec<Any>, field: &str) -> Result<Vec<Payload>, Invalid> {
    let packed = packed.into_iter().enumerate();
    let payloads = packed.map(|(at, any)| payload(Some(any), &format!("{field}[{at}]")));
    payloads.collect()
}

/// Reads a request to discard a letter. `actor` comes from the request's metadata.
pub fn discarding(
    request: v1::DeadLetterServiceDiscardRequest,
    actor: Option<String>,
) -> Result<Decision, Invalid> {
    Ok(Decision {
        letter: uuid(request.id.as_ref(), "id")?,
        action: Action::Discard,
        actor,
        reason: non_empty(request.reason),
    })
}

impl From<&DeadLetter> for v1::DeadLetter {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            letter: Some(match letter {
                DeadLetter::Command(letter) => Letter::Command((&**letter).into()),
                DeadLetter::Reaction(letter) => Letter::Reaction((&**letter).into()),
            }),
            assignee: String::new(),
        }
    }
}

impl TryFrom<v1::DeadLetter> for DeadLetter {
    type Error = Invalid;

    fn try_from(letter: v1::DeadLetter) -> Result<Self, Invalid> {
        let letter = required(letter.letter, "letter", "say what it is about")?;
        Ok(match letter {
            Letter::Command(letter) => Self::Command(Box::new(letter.try_into()?)),
            Letter::Reaction(letter) => Self::Reaction(Box::new(letter.try_into()?)),
        })
    }
}

/// Removes the content of the command from a letter, and what tells of its state.
pub fn without_payload(letter: &mut v1::DeadLetter) {
    let Some(Letter::Command(letter)) = &mut letter.letter else {
        return;
    };
    letter.base_sha256_hex.clear();
    for attempt in &mut letter.attempts {
        use v1::dead_letter::tried::Action;
        let action = attempt
            .tried
            .as_mut()
            .and_then(|tried| tried.action.as_mut());
        let tried = match action {
            Some(Action::Edit(edit)) => &mut edit.commands,
            Some(Action::Record(record)) => &mut record.facts,
            Some(Action::Resubmit(_) | Action::Discard(_)) | None => continue,
        };
        *tried = std::mem::take(tried)
            .into_iter()
            .map(without_content)
            .collect();
    }
    for page in letter.book.iter_mut().flat_map(|book| &mut book.pages) {
        page.command = page.command.take().map(without_content);
    }
}

/// Removes the content of the event that was given up. A command with its three sides is nothing without content, so it
/// is left as it is.
pub fn without_event_content(letter: &mut v1::DeadLetterServiceGetResponse) {
    if let Some(Opened::Reaction(given_up)) = &mut letter.letter
        && let Some(event) = &mut given_up.event
    {
        event.event = event.event.take().map(without_content);
    }
}

impl From<&OpenLetter> for v1::DeadLetterServiceGetResponse {
    fn from(letter: &OpenLetter) -> Self {
        Self {
            letter: Some(match letter {
                OpenLetter::Command(view) => Opened::Command((&**view).into()),
                OpenLetter::Reaction(given_up) => Opened::Reaction((&**given_up).into()),
            }),
            annotations: Vec::new(),
        }
    }
}

impl TryFrom<v1::DeadLetterServiceGetResponse> for OpenLetter {
    type Error = Invalid;

    fn try_from(answer: v1::DeadLetterServiceGetResponse) -> Result<Self, Invalid> {
        let letter = required(answer.letter, "letter", "every answer has one")?;
        Ok(match letter {
            Opened::Command(view) => Self::Command(Box::new(view.try_into()?)),
            Opened::Reaction(given_up) => Self::Reaction(Box::new(given_up.try_into()?)),
        })
    }
}

impl From<&Attempt> for v1::dead_letter::Attempt {
    fn from(attempt: &Attempt) -> Self {
        Self {
            at: Some(attempt.at.into()),
            actor: attempt.actor.clone().unwrap_or_default(),
            result: attempt.result.clone(),
            reason: attempt.reason.clone().unwrap_or_default(),
            tried: attempt.tried.as_ref().map(Into::into),
            closes: attempt.closes,
        }
    }
}

impl TryFrom<v1::dead_letter::Attempt> for Attempt {
    type Error = Invalid;

    fn try_from(attempt: v1::dead_letter::Attempt) -> Result<Self, Invalid> {
        Ok(Self {
            at: time(attempt.at, "attempts.at")?,
            actor: non_empty(attempt.actor),
            result: attempt.result,
            reason: non_empty(attempt.reason),
            tried: attempt.tried.map(TryInto::try_into).transpose()?,
            closes: attempt.closes,
        })
    }
}

impl From<&Tried> for v1::dead_letter::Tried {
    fn from(tried: &Tried) -> Self {
        use v1::dead_letter::tried as wire;
        Self {
            action: Some(match tried {
                Tried::Resubmit => wire::Action::Resubmit(wire::Resubmit {}),
                Tried::Discard => wire::Action::Discard(wire::Discard {}),
                Tried::Edit { commands } => wire::Action::Edit(wire::Edit {
                    commands: commands.iter().map(any).collect(),
                }),
                Tried::Record {
                    facts,
                    origin,
                    external_id,
                } => wire::Action::Record(wire::Record {
                    facts: facts.iter().map(any).collect(),
                    source: origin.source.clone(),
                    description: origin.description.clone(),
                    external_id: external_id.clone(),
                }),
            }),
        }
    }
}

impl TryFrom<v1::dead_letter::Tried> for Tried {
    type Error = Invalid;

    fn try_from(tried: v1::dead_letter::Tried) -> Result<Self, Invalid> {
        use v1::dead_letter::tried as wire;
        let action = required(tried.action, "action", "say what was tried")?;
        Ok(match action {
            wire::Action::Resubmit(_) => Self::Resubmit,
            wire::Action::Discard(_) => Self::Discard,
            wire::Action::Edit(edit) => Self::Edit {
                commands: payloads(edit.commands, "commands")?,
            },
            wire::Action::Record(record) => Self::Record {
                facts: payloads(record.facts, "facts")?,
                origin: FactOrigin {
                    source: record.source,
                    description: record.description,
                },
                external_id: record.external_id,
            },
        })
    }
}

/// Reads who decided. Returns `None` if that makes no sense: the error says so much the less.
pub(crate) fn decider(by: v1::Decider) -> Option<Decider> {
    Some(Decider {
        actor: non_empty(by.actor),
        at: time(by.at, "at").ok()?,
    })
}
