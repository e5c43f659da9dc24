//! Converts commands: `SubmitRequest` and `SimulateRequest` with their book, and `CommandRequest`.

use seriatim_core::{
    CommandRequest, ExpectedSequence, FieldPath, MergeStrategy, Metadata, Payload, StreamId,
};
use uuid::Uuid;

use super::effect::{effect_id, optional_effect};
use super::expectation::{
    expected_on_page, field_paths, merge_strategy, page_expectation, path_texts,
};
use super::identity::{cover_of_request, non_empty, optional_uuid, stream};
use super::invalid::{Found, Invalid, required};
use super::payload::{any, payload};
use super::time::optional_time;
use crate::v1;

impl TryFrom<v1::SubmitRequest> for CommandRequest {
    type Error = Invalid;

    /// Gives the request a new id if it has none. The actor is not in the message but in the call's metadata.
    fn try_from(request: v1::SubmitRequest) -> Result<Self, Invalid> {
        let mut found = Found::default();
        let id = found.take(optional_uuid(request.request_id.as_ref(), "request_id"));
        let causation_id = found.take(optional_uuid(request.causation_id.as_ref(), "causation_id"));
        let sent_at = found.take(optional_time(request.sent_at, "sent_at"));
        let premises = found.take(field_paths(request.premises, "premises"));
        let book = found.take(command_book(request.book));
        let depth = request.effect.as_ref().map_or(0, |effect| effect.depth);
        let effect = found.take(optional_effect(request.effect.map(|effect| *effect)));
        let read = (|| {
            let mut command = book?.with(id?, premises?);
            command.effect = effect?;
            command.metadata.causation_id = causation_id?;
            command.metadata.sent_at = sent_at?;
            command.metadata.depth = depth;
            Some(command)
        })();
        found.give(read)
    }
}

impl From<&CommandRequest> for v1::SubmitRequest {
    /// Leaves out the actor, who travels in the call's metadata.
    fn from(request: &CommandRequest) -> Self {
        Self {
            book: Some(request.into()),
            premises: path_texts(&request.premises),
            include_events: false,
            request_id: Some(request.id.into()),
            causation_id: request.metadata.causation_id.map(Into::into),
            sent_at: request.metadata.sent_at.map(Into::into),
            effect: (request.effect.as_ref())
                .map(|effect| Box::new(effect_id(effect, request.metadata.depth))),
            wait_for: None,
            unknown_fields: v1::UnknownFields::Unspecified.into(),
        }
    }
}

impl From<&CommandRequest> for v1::CommandBook {
    /// The first page holds what applies to all pages.
    fn from(request: &CommandRequest) -> Self {
        let mut book = book_of(&request.stream, &request.metadata, &request.commands);
        if let Some(first) = book.pages.first_mut() {
            first.expected = page_expectation(request.expected);
            first.merge_strategy = request
                .merge
                .map(|strategy| v1::MergeStrategy::from(strategy).into());
        }
        book
    }
}

/// Makes a book that says nothing about merging.
pub(super) fn book_of(
    stream: &StreamId,
    metadata: &Metadata,
    commands: &[Payload],
) -> v1::CommandBook {
    let pages = commands.iter().map(|command| v1::CommandPage {
        command: Some(any(command)),
        ..v1::CommandPage::default()
    });
    v1::CommandBook {
        cover: Some(cover_of_request(stream, metadata)),
        pages: pages.collect(),
    }
}

/// The contents of a book, which a request is made from.
#[derive(Debug)]
pub(super) struct Book {
    stream: StreamId,
    metadata: Metadata,
    commands: Vec<Payload>,
    shared: SharedView,
}

impl Book {
    /// Makes a request of it, with a new id if it has none.
    pub(super) fn with(self, id: Option<Uuid>, premises: Vec<FieldPath>) -> CommandRequest {
        CommandRequest {
            id: id.unwrap_or_else(Uuid::now_v7),
            stream: self.stream,
            commands: self.commands,
            expected: self.shared.expected.unwrap_or_default(),
            merge: self.shared.merge,
            premises,
            metadata: self.metadata,
            effect: None,
        }
    }
}

/// The fields that all pages of a book have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SharedView {
    expected: Option<ExpectedSequence>,
    merge: Option<MergeStrategy>,
}

pub(super) fn command_book(book: Option<v1::CommandBook>) -> Result<Book, Invalid> {
    let book = required(book, "book", "give a cover and at least one page")?;
    let mut found = Found::default();
    let stream = found.take(stream(book.cover.as_ref()));
    found.take(not_empty(&book.pages));
    let mut shared = SharedView::default();
    let mut commands = Vec::with_capacity(book.pages.len());
    for (at, page) in book.pages.into_iter().enumerate() {
        let view = found.take(page_view(&page, (at > 0).then_some(shared)).map_err(in_page(at)));
        if at == 0 {
            shared = view.unwrap_or_default();
        }
        commands.extend(found.take(payload(page.command, "command").map_err(in_page(at))));
    }
    let cover = book.cover.unwrap_or_default();
    found.give(stream.map(|stream| Book {
        stream,
        metadata: Metadata {
            correlation_id: non_empty(cover.correlation_id),
            external_id: non_empty(cover.external_id),
            ..Metadata::default()
        },
        commands,
        shared,
    }))
}

/// Checks that the book has pages.
pub(super) fn not_empty<P>(pages: &[P]) -> Result<(), Invalid> {
    if pages.is_empty() {
        let ask = "the book is empty; give at least one page";
        return Err(Invalid::field("pages", ask));
    }
    Ok(())
}

pub(super) fn in_page(at: usize) -> impl Fn(Invalid) -> Invalid {
    move |invalid| invalid.within(format_args!("pages[{at}]"))
}

/// Reads the shared view of a page; a later page may only repeat `first`.
fn page_view(page: &v1::CommandPage, first: Option<SharedView>) -> Result<SharedView, Invalid> {
    let merge = page
        .merge_strategy
        .map(|number| merge_strategy(number, "merge_strategy"))
        .transpose()?;
    let expected = expected_on_page(page);
    let Some(first) = first else {
        return Ok(SharedView { expected, merge });
    };
    if expected.is_some() && expected != first.expected {
        return Err(Invalid::field(
            "expected",
            "differs from the first page's, which holds for the whole book; leave it out",
        ));
    }
    if merge.is_some() && merge != first.merge {
        return Err(Invalid::field(
            "merge_strategy",
            "differs from the first page's, which holds for the whole book; leave it out",
        ));
    }
    Ok(first)
}
