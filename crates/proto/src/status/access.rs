//! Converts the reasons why a caller may not do something.

use std::time::Duration;

use seriatim_security::{Denied, Unauthenticated};
use tonic::{Code, Status};

use super::details::{Details, Received};
use super::{WireError, reason};

/// The keys in an `ErrorInfo` for why a caller is not known, and for the right that it lacks.
const WHY: &str = "why";
const VERB: &str = "verb";

/// The time after which to ask again if a provider of identities does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl WireError for Unauthenticated {
    fn to_status(&self) -> Status {
        let details = Details::new(reason::UNAUTHENTICATED).with_word(WHY, self.as_str());
        match self {
            Self::Unavailable => details
                .with_retry(RETRY_AFTER)
                .into_status(Code::Unavailable, &self.to_string()),
            _ => details.into_status(Code::Unauthenticated, &self.to_string()),
        }
    }

    fn from_status(status: &Status) -> Option<Self> {
        let received = Received::of(status).filter(|it| it.reason() == reason::UNAUTHENTICATED)?;
        let why = received.word(WHY)?;
        Self::all().find(|known| known.as_str() == why)
    }
}

impl WireError for Denied {
    fn to_status(&self) -> Status {
        Details::new(reason::DENIED)
            .with_word(VERB, self.verb.name())
            .into_status(Code::PermissionDenied, &self.to_string())
    }

    fn from_status(status: &Status) -> Option<Self> {
        let received = Received::of(status).filter(|it| it.reason() == reason::DENIED)?;
        let verb = received.word(VERB)?.parse().ok()?;
        Some(Self { verb })
    }
}

/// The caller has as much open, or sends as much, as it may. It is read as
/// [`Overloaded`](seriatim_core::SubmitError::Overloaded).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// The time after which to send again.
    pub retry_after: Duration,
}

impl LimitReached {
    /// Returns the status for it.
    pub fn to_status(self) -> Status {
        let wait = self.retry_after.as_millis();
        let message = format!(
            "you have as many requests open, or send as many, as you may; send it again in {wait} ms"
        );
        Details::new(reason::OVERLOADED)
            .with_retry(self.retry_after)
            .into_status(Code::ResourceExhausted, &message)
    }
}

#[cfg(test)]
mod tests {
    use seriatim_security::Verb;

    use super::*;

    #[test]
    fn who_may_not_learns_why() {
        for why in Unauthenticated::all() {
            assert_eq!(Unauthenticated::from_status(&why.to_status()), Some(why));
            assert_eq!(Denied::from_status(&why.to_status()), None);
        }
        for verb in Verb::ALL {
            let denied = Denied { verb };
            let status = denied.to_status();
            assert_eq!(status.code(), Code::PermissionDenied);
            assert_eq!(Denied::from_status(&status), Some(denied));
        }
    }
}
