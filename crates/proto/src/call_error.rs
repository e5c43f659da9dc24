//! Why a call brought no answer.

use std::error::Error;
use std::fmt;

use tonic::{Code, Status};

use crate::convert::Invalid;
use crate::status::WireError;

/// Why a call brought no answer: an error `E` of the service, or trouble on the way.
#[derive(Debug)]
pub enum CallError<E> {
    /// The service's own answer.
    Refused(E),
    /// The request is malformed.
    Invalid(String),
    /// The server cannot be reached, or went away during the call.
    Unreachable(String),
    /// No answer came in time. What was sent may have been done.
    TimedOut,
    /// The sender must prove who it is, or is not allowed to do that.
    Denied(String),
    /// What answers is another service, or another version of this one.
    Foreign(String),
    /// The answer makes no sense.
    Garbled(Invalid),
}

impl<E: WireError> From<Status> for CallError<E> {
    fn from(status: Status) -> Self {
        if let Some(error) = E::from_status(&status) {
            return Self::Refused(error);
        }
        let text = in_words(&status);
        match status.code() {
            Code::InvalidArgument | Code::OutOfRange => Self::Invalid(text),
            // tonic ends a call that takes too long by itself with "cancelled".
            Code::DeadlineExceeded | Code::Cancelled => Self::TimedOut,
            Code::PermissionDenied | Code::Unauthenticated => Self::Denied(text),
            Code::Unavailable | Code::ResourceExhausted | Code::Unknown => Self::Unreachable(text),
            Code::Ok
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::Unimplemented
            | Code::Internal
            | Code::DataLoss => Self::Foreign(text),
        }
    }
}

/// What a status says, with what lies behind it.
fn in_words(status: &Status) -> String {
    let mut text = status.message().to_owned();
    add_causes(&mut text, status.source());
    text
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Invalid(text) => write!(f, "the request is not valid: {text}"),
            Self::Unreachable(text) => write!(f, "the server cannot be reached: {text}"),
            Self::TimedOut => {
                f.write_str("no answer came in time; what was sent may have been done")
            }
            Self::Denied(text) => write!(f, "the server does not allow that: {text}"),
            Self::Foreign(text) => write!(f, "the server does not know this call: {text}"),
            Self::Garbled(invalid) => write!(f, "the server's answer makes no sense: {invalid}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for CallError<E> {}

/// Why there is no connection.
#[derive(Debug)]
pub struct ConnectError {
    /// What was called.
    pub server: String,
    /// Why that failed.
    pub source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cause = String::new();
        add_causes(&mut cause, Some(&*self.source));
        write!(f, "no server answers at `{}`: {cause}", self.server)
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// Tells an error and its causes, each once.
fn add_causes(text: &mut String, error: Option<&(dyn Error + 'static)>) {
    let causes = std::iter::successors(error, |error| (*error).source());
    // The error of the transport says only that it is one; what is behind it says what it is.
    let telling =
        causes.filter(|cause| cause.source().is_none() || !cause.is::<tonic::transport::Error>());
    for cause in telling.map(ToString::to_string) {
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seriatim_core::QueryError;
    use uuid::Uuid;

    #[test]
    fn our_own_errors_come_through_whole() {
        let id = Uuid::now_v7();
        let status = QueryError::UnknownLetter { id }.to_status();
        let error = CallError::<QueryError>::from(status);
        assert!(
            matches!(error, CallError::Refused(QueryError::UnknownLetter { id: same }) if same == id)
        );
    }

    #[test]
    fn trouble_on_the_way_is_told_apart() {
        let error = |code| CallError::<QueryError>::from(Status::new(code, "said so"));
        assert!(matches!(
            error(Code::Unavailable),
            CallError::Unreachable(_)
        ));
        assert!(matches!(error(Code::DeadlineExceeded), CallError::TimedOut));
        assert!(matches!(error(Code::Unauthenticated), CallError::Denied(_)));
        assert!(matches!(error(Code::Unimplemented), CallError::Foreign(_)));
        assert_eq!(
            error(Code::InvalidArgument).to_string(),
            "the request is not valid: said so"
        );
    }
}
