//! Converts facts: `RecordRequest` and `FactRequest`.

use seriatim_core::{FactOrigin, FactRequest, Metadata, NewFact, Timestamp};
use uuid::Uuid;

use super::command::{in_page, not_empty};
use super::effect::{effect_id, optional_effect};
use super::identity::{cover_of_request, non_empty, optional_uuid, stream};
use super::invalid::{Found, Invalid, given, required};
use super::payload::{any, payload};
use super::time::optional_time;
use crate::v1;
use v1::event_page::SequenceType;

impl TryFrom<v1::RecordRequest> for FactRequest {
    type Error = Invalid;

    /// Gives the request a new id if it has none. The actor is not in the message but in the call's metadata.
    fn try_from(request: v1::RecordRequest) -> Result<Self, Invalid> {
        let mut found = Found::default();
        let id = found.take(optional_uuid(request.request_id.as_ref(), "request_id"));
        let causation_id = found.take(optional_uuid(request.causation_id.as_ref(), "causation_id"));
        let book = required(request.book, "book", "give a cover and at least one page")
            .and_then(fact_book);
        let book = found.take(book);
        let depth = request.effect.as_ref().map_or(0, |effect| effect.depth);
        let effect = found.take(optional_effect(request.effect));
        let read = (|| {
            let mut fact = book?;
            fact.effect = effect?;
            fact.id = id?.unwrap_or(fact.id);
            fact.metadata.causation_id = causation_id?;
            fact.metadata.depth = depth;
            fact.route_to_aggregate = request.route_facts_to_aggregate;
            Some(fact)
        })();
        found.give(read)
    }
}

impl From<&FactRequest> for v1::RecordRequest {
    /// Leaves out the actor, who travels in the call's metadata.
    fn from(request: &FactRequest) -> Self {
        let pages = request
            .facts
            .iter()
            .enumerate()
            .map(|(at, fact)| v1::EventPage {
                sequence_type: Some(SequenceType::Fact(v1::FactSequence {
                    source: fact.origin.source.clone(),
                    description: fact.origin.description.clone(),
                })),
                created_at: request.metadata.sent_at.filter(|_| at == 0).map(Into::into),
                event: Some(any(&fact.payload)),
                ..v1::EventPage::default()
            });
        Self {
            book: Some(v1::EventBook {
                cover: Some(cover_of_request(&request.stream, &request.metadata)),
                pages: pages.collect(),
                ..v1::EventBook::default()
            }),
            route_facts_to_aggregate: request.route_to_aggregate,
            include_events: false,
            request_id: Some(request.id.into()),
            causation_id: request.metadata.causation_id.map(Into::into),
            effect: (request.effect.as_ref())
                .map(|effect| effect_id(effect, request.metadata.depth)),
            wait_for: None,
        }
    }
}

fn fact_book(book: v1::EventBook) -> Result<FactRequest, Invalid> {
    let mut found = Found::default();
    let stream = found.take(stream(book.cover.as_ref()));
    found.take(not_empty(&book.pages));
    if given(book.snapshot).is_some() {
        let invalid = Invalid::field("snapshot", "facts have none; leave it out");
        found.take::<()>(Err(invalid));
    }
    let mut sent_at = None;
    let mut facts = Vec::with_capacity(book.pages.len());
    for (at, page) in book.pages.into_iter().enumerate() {
        let time = found.take(page_time(&page, (at > 0).then_some(sent_at)).map_err(in_page(at)));
        if at == 0 {
            sent_at = time.flatten();
        }
        facts.extend(found.take(new_fact(page).map_err(in_page(at))));
    }
    let cover = book.cover.unwrap_or_default();
    found.give(stream.map(|stream| FactRequest {
        id: Uuid::now_v7(),
        stream,
        facts,
        route_to_aggregate: None,
        metadata: Metadata {
            correlation_id: non_empty(cover.correlation_id),
            external_id: non_empty(cover.external_id),
            sent_at,
            ..Metadata::default()
        },
        effect: None,
    }))
}

/// Reads the sender's time from a page; a later page may only repeat `first`.
fn page_time(
    page: &v1::EventPage,
    first: Option<Option<Timestamp>>,
) -> Result<Option<Timestamp>, Invalid> {
    let time = optional_time(page.created_at, "created_at")?;
    match first {
        Some(first) if time.is_some() && time != first => Err(Invalid::field(
            "created_at",
            "differs from the first page's, which holds for the whole book; leave it out",
        )),
        Some(first) => Ok(first),
        None => Ok(time),
    }
}

fn new_fact(page: v1::EventPage) -> Result<NewFact, Invalid> {
    let mut found = Found::default();
    let recorded_only = [
        ("position", page.position != 0),
        ("event_id", given(page.event_id).is_some()),
        ("metadata", given(page.metadata).is_some()),
    ];
    for (field, given) in recorded_only {
        if given {
            let invalid = Invalid::field(field, "only a recorded event has it; leave it out");
            found.take::<()>(Err(invalid));
        }
    }
    let origin = found.take(match page.sequence_type {
        Some(SequenceType::Fact(marker)) => Ok(FactOrigin {
            source: marker.source,
            description: marker.description,
        }),
        Some(SequenceType::Sequence(sequence)) => Err(Invalid::field(
            "sequence",
            format!("a fact has no sequence yet, but {sequence} is given; give the marker `fact` instead"),
        )),
        None => Err(Invalid::field(
            "fact",
            "is missing; say with its `source` where the fact comes from",
        )),
    });
    let payload = found.take(payload(page.event, "event"));
    found.give(
        origin
            .zip(payload)
            .map(|(origin, payload)| NewFact { payload, origin }),
    )
}
