//! Makes what is around every page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use seriatim_security::Verb;

use crate::visitor::Visitor;

/// Holds what is around a page: its title, the links to other pages, and the name of the visitor.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) ways: Vec<Way>,
    pub(crate) who: Option<String>,
    /// What the script does when something has changed; nothing if there is none.
    pub(crate) live: Option<&'static str>,
}

/// A link to a page.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) to: &'static str,
    pub(crate) name: &'static str,
    pub(crate) is_here: bool,
}

const WAYS: [(&str, &str, Option<Verb>); 7] = [
    ("/", "Overview", None),
    ("/letters", "Letters", Some(Verb::LettersRead)),
    ("/jobs", "Jobs", Some(Verb::LettersRead)),
    ("/streams", "Streams", Some(Verb::Read)),
    ("/components", "Components", Some(Verb::Observe)),
    ("/read-models", "Read models", Some(Verb::Observe)),
    ("/operations", "Operations", Some(Verb::Admin)),
];

impl Frame {
    /// Makes the frame of a page below `here`, with the ways that the visitor may go.
    pub(crate) fn new(title: impl Into<String>, here: &str, visitor: &Visitor) -> Self {
        let may_go = |verb: Option<Verb>| verb.is_none_or(|verb| visitor.may_at_all(verb));
        let ways = WAYS.into_iter().filter(|(.., verb)| may_go(*verb));
        Self {
            title: title.into(),
            ways: ways
                .map(|(to, name, _)| Way {
                    to,
                    name,
                    is_here: to == here,
                })
                .collect(),
            who: visitor.name(),
            live: None,
        }
    }

    /// Has the script put in place what has changed.
    pub(crate) fn showing_changes(mut self) -> Self {
        self.live = Some("show");
        self
    }

    /// Has the script say that something has changed. It is shown only on request: what somebody decides about stays as
    /// they have read it.
    pub(crate) fn telling_changes(mut self) -> Self {
        self.live = Some("tell");
        self
    }

    /// Makes the frame of a page for somebody who may not be known.
    pub(crate) fn bare(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ways: Vec::new(),
            who: None,
            live: None,
        }
    }
}

/// Answers with a page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            let error = error.to_string();
            tracing::error!(error, "a page of the console cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
