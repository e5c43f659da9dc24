//! Contains the reasons why a call brought no answer.

use std::error::Error;
use std::fmt;

use http::uri::InvalidUri;
use seriatim_security::tls::{TlsError, TlsProblem};
use seriatim_security::{Denied, Unauthenticated};
use tonic::{Code, Status};

use crate::codec::Undecodable;
use crate::connect_options::TokenInClear;
use crate::connector::problem_in;
use crate::convert::Invalid;
use crate::departure::NotSent;
use crate::server_url::InvalidServerUrl;
use crate::status::WireError;

/// The reason why a call brought no answer: an error `E` of the service, or a failure on the way.
#[derive(Debug)]
pub enum CallError<E> {
    /// The error of the service.
    Refused(E),
    /// The request is malformed.
    Invalid(String),
    /// The server cannot be reached, or went away during the call.
    Unreachable(String),
    /// The server and this client do not agree on TLS.
    Tls(TlsProblem),
    /// No answer came in time. The server may have done what was sent.
    TimedOut,
    /// The call did not leave this client in time: the connection was not made yet, or already had as many open calls
    /// as the server allows. Nothing was done, and nothing will be.
    NotSent,
    /// The caller has not shown who it is, or what it shows has expired: take a new token, and call again.
    Unauthenticated(Unauthenticated),
    /// The caller may not do this.
    Denied(Denied),
    /// A proxy on the way does not let the call through.
    Barred(String),
    /// The answer comes from another service, or from another version of this one.
    Foreign(String),
    /// The answer makes no sense.
    Garbled(Invalid),
}

impl<E: WireError> From<Status> for CallError<E> {
    fn from(status: Status) -> Self {
        if Undecodable::is_in(&status) {
            return Self::Garbled(Invalid::field("answer", status.message()));
        }
        if let Some(error) = E::from_status(&status) {
            return Self::Refused(error);
        }
        if let Some(why) = Unauthenticated::from_status(&status) {
            return Self::Unauthenticated(why);
        }
        if let Some(denied) = Denied::from_status(&status) {
            return Self::Denied(denied);
        }
        if NotSent::is_in(&status) {
            return Self::NotSent;
        }
        let source = status.source();
        if let Some(problem) = source.and_then(<dyn Error>::downcast_ref::<TlsProblem>) {
            return Self::Tls(problem.clone());
        }
        let text = in_words(&status);
        match status.code() {
            Code::InvalidArgument | Code::OutOfRange => Self::Invalid(text),
            // tonic ends a call that takes too long by itself with "cancelled".
            Code::DeadlineExceeded | Code::Cancelled => Self::TimedOut,
            Code::PermissionDenied | Code::Unauthenticated => Self::Barred(text),
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

/// Returns the message of a status, with its causes.
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
            Self::Tls(problem) => write!(f, "the server cannot be reached: {problem}"),
            Self::TimedOut => {
                f.write_str("no answer came in time; what was sent may have been done")
            }
            Self::NotSent => f.write_str(
                "the call was not sent, as the connection had no room for it in time; nothing was done",
            ),
            Self::Unauthenticated(why) => why.fmt(f),
            Self::Denied(denied) => denied.fmt(f),
            Self::Barred(text) => write!(f, "something on the way does not allow that: {text}"),
            Self::Foreign(text) => write!(f, "the server does not know this call: {text}"),
            Self::Garbled(invalid) => write!(f, "the server's answer makes no sense: {invalid}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for CallError<E> {}

/// The reason why there is no connection.
#[derive(Debug)]
pub struct ConnectError {
    /// The URL that was called.
    pub server: String,
    /// The cause.
    pub source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(problem) = self.tls_problem() {
            return write!(f, "cannot connect to `{}`: {problem}", self.server);
        }
        let mut cause = String::new();
        add_causes(&mut cause, Some(&*self.source));
        match self.is_of_options() {
            true => write!(f, "cannot connect to `{}`: {cause}", self.server),
            false => write!(f, "no server answers at `{}`: {cause}", self.server),
        }
    }
}

impl ConnectError {
    /// Returns what is wrong with TLS, if that is the cause.
    pub fn tls_problem(&self) -> Option<TlsProblem> {
        problem_in(&*self.source)
    }

    /// Returns whether the URL or the options are the cause, so that nobody was called.
    pub fn is_of_options(&self) -> bool {
        let source = &*self.source;
        source.is::<InvalidServerUrl>()
            || source.is::<InvalidUri>()
            || source.is::<TokenInClear>()
            || source.is::<TlsError>()
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// Appends an error and its causes, each once.
fn add_causes(text: &mut String, error: Option<&(dyn Error + 'static)>) {
    let causes = std::iter::successors(error, |error| (*error).source());
    // The transport's error only says that it is one; its cause says more.
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
    use crate::v1;
    use seriatim_core::{QueryError, SubmitError};
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

    /// The same words come from the server, about a request, and from this client, about an answer.
    #[test]
    fn who_sent_bytes_that_are_no_message_is_told_apart() {
        use prost::Message;
        let garbled = v1::SubmitRequest::decode(&b"\x0f"[..]).unwrap_err();
        let found_here = Undecodable(garbled).into_status();
        let said = Status::with_details(
            found_here.code(),
            found_here.message(),
            found_here.details().to_vec().into(),
        );
        let error = CallError::<SubmitError>::from(found_here);
        assert!(matches!(error, CallError::Garbled(_)), "{error:?}");
        let error = CallError::<SubmitError>::from(said);
        let invalid = matches!(error, CallError::Refused(SubmitError::Invalid(_)));
        assert!(invalid, "{error:?}");
    }

    #[test]
    fn trouble_on_the_way_is_told_apart() {
        let error = |code| CallError::<QueryError>::from(Status::new(code, "said so"));
        assert!(matches!(
            error(Code::Unavailable),
            CallError::Unreachable(_)
        ));
        assert!(matches!(error(Code::DeadlineExceeded), CallError::TimedOut));
        assert!(matches!(error(Code::Unauthenticated), CallError::Barred(_)));
        assert!(matches!(error(Code::Unimplemented), CallError::Foreign(_)));
        assert_eq!(
            error(Code::InvalidArgument).to_string(),
            "the request is not valid: said so"
        );
    }
}
