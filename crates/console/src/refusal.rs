//! Says on a page why something is not shown or was not done.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use seriatim_core::{OperatorError, QueryError, StoreError, SubmitError, VersionError};
use seriatim_jobs::JobError;
use seriatim_security::{TrailError, Verb};

use crate::frame::{Frame, page};
use crate::job::no_job;

/// The reason why something is not shown or was not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is nothing here that this visitor may know of.
    NotFound(String),
    /// The visitor has no right to it.
    Denied(Verb),
    /// The request comes from another site, or by another name.
    Elsewhere(&'static str),
    /// The visitor is not known any more.
    Unknown,
    /// What was sent cannot be read.
    Invalid(String),
    /// Somebody else was first, or the stream has moved.
    Late(String),
    /// It can be tried again later.
    Unavailable(String),
    /// Something is broken.
    Broken(String),
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    frame: Frame,
    why: String,
    is_unknown: bool,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Denied(_) | Self::Elsewhere(_) => StatusCode::FORBIDDEN,
            Self::Unknown => StatusCode::UNAUTHORIZED,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Late(_) => StatusCode::CONFLICT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the reason, for people.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::NotFound(why)
            | Self::Invalid(why)
            | Self::Late(why)
            | Self::Unavailable(why)
            | Self::Broken(why) => why.clone(),
            Self::Denied(verb) => format!(
                "You may not do this: it needs the right {verb}. Ask who runs this server for a role with it."
            ),
            Self::Elsewhere(why) => (*why).into(),
            Self::Unknown => "You are not signed in any more, so nothing was done.".into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, why) = (self.status(), self.why());
        let title = status.canonical_reason().unwrap_or("Refused");
        let is_unknown = matches!(self, Self::Unknown);
        let frame = Frame::bare(title);
        page(
            status,
            &RefusalPage {
                frame,
                why,
                is_unknown,
            },
        )
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::UnknownLetter { .. } => Self::NotFound(no_letter()),
            // The error names domains, of which the visitor may not know.
            QueryError::UnknownDomain { domain, .. } => {
                Self::Invalid(format!("The program has no aggregate for {domain}."))
            }
            QueryError::BeyondCurrent { .. } | QueryError::UnknownField { .. } => {
                Self::NotFound(error.to_string())
            }
            QueryError::Unavailable { .. } | QueryError::StoreFailed(_) => {
                Self::Unavailable(error.to_string())
            }
            QueryError::Broken { .. } => Self::Broken(error.to_string()),
        }
    }
}

impl From<OperatorError> for Refusal {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::Query(error) => error.into(),
            OperatorError::Closed { .. }
            | OperatorError::Decided { .. }
            | OperatorError::Assigned { .. }
            | OperatorError::JobOver { .. }
            | OperatorError::Moved { .. } => Self::Late(error.to_string()),
            OperatorError::Submit(error) => match *error {
                SubmitError::UnknownDomain { domain, .. } => {
                    Self::Invalid(format!("The program has no aggregate for {domain}."))
                }
                SubmitError::Unavailable { .. }
                | SubmitError::Overloaded { .. }
                | SubmitError::ShuttingDown
                | SubmitError::StoreFailed(_) => Self::Unavailable(error.to_string()),
                error => Self::Invalid(error.to_string()),
            },
            OperatorError::UnknownJob { .. } => Self::NotFound(no_job()),
            // The error names the others, of which the visitor may not know.
            OperatorError::UnknownComponent { component, .. } => {
                Self::Invalid(format!("There is no component {component} here."))
            }
            error => Self::Invalid(error.to_string()),
        }
    }
}

impl From<JobError> for Refusal {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Operator(error) => error.into(),
            JobError::Submit(error) => OperatorError::from(error).into(),
            JobError::Reason => Self::Invalid(error.to_string()),
            JobError::Encode(_) | JobError::Damaged { .. } => Self::Broken(error.to_string()),
        }
    }
}

impl From<VersionError> for Refusal {
    fn from(error: VersionError) -> Self {
        match error {
            VersionError::UnknownModel { .. } | VersionError::Unknown { .. } => {
                Self::NotFound(no_version())
            }
            VersionError::Behind { .. }
            | VersionError::Parked { .. }
            | VersionError::Live { .. }
            | VersionError::TableTaken(_) => Self::Late(error.to_string()),
            VersionError::UnknownTable { .. } | VersionError::Query { .. } => {
                Self::Invalid(error.to_string())
            }
            VersionError::Store(error) => error.into(),
        }
    }
}

impl From<TrailError> for Refusal {
    fn from(error: TrailError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A letter that does not exist and one that the visitor may not see read alike.
pub(crate) fn no_letter() -> String {
    "There is no such letter, or you may not see it.".into()
}

pub(crate) fn no_version() -> String {
    "There is no such version of a read model here. The page of read models lists all.".into()
}
