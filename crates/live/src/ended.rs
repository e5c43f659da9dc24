//! Says why a connection ends.

use std::borrow::Cow;

use axum::extract::ws::CloseFrame;
use seriatim_core::printable;
use seriatim_security::Unauthenticated;

/// The longest reason that a close frame may carry, in bytes.
const REASON_BYTES: usize = 123;

/// The reason why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client has closed it, or the line is lost.
    Gone,
    /// The server closes it.
    Closed {
        code: u16,
        reason: Cow<'static, str>,
    },
}

impl Ended {
    pub(crate) const TOO_LARGE: u16 = 1009;
    pub(crate) const RESTARTING: u16 = 1012;
    pub(crate) const TRY_LATER: u16 = 1013;
    pub(crate) const PROTOCOL: u16 = 4400;
    pub(crate) const UNAUTHENTICATED: u16 = 4401;
    pub(crate) const DENIED: u16 = 4403;
    pub(crate) const SILENT: u16 = 4408;
    pub(crate) const TOO_MUCH: u16 = 4429;
    pub(crate) const SLOW: u16 = 4508;

    pub(crate) fn with(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        Self::Closed { code, reason }
    }

    pub(crate) fn protocol(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::with(Self::PROTOCOL, reason)
    }

    pub(crate) fn slow() -> Self {
        Self::with(Self::SLOW, "you read too slowly; connect again and resume")
    }

    /// What the metrics call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Closed { code, .. } => match *code {
                Self::TOO_LARGE => "too_large",
                Self::RESTARTING => "restarting",
                Self::TRY_LATER => "try_later",
                Self::UNAUTHENTICATED => "unauthenticated",
                Self::DENIED => "denied",
                Self::SILENT => "silent",
                Self::TOO_MUCH => "too_much",
                Self::SLOW => "slow",
                _ => "protocol",
            },
        }
    }

    /// Returns the frame that tells the client.
    pub(crate) fn frame(&self) -> Option<CloseFrame> {
        let Self::Closed { code, reason } = self else {
            return None;
        };
        // It may quote what the client has sent.
        let mut reason = printable(reason).to_string();
        if reason.len() > REASON_BYTES {
            let fits = reason.floor_char_boundary(REASON_BYTES - "...".len());
            reason.truncate(fits);
            reason.push_str("...");
        }
        Some(CloseFrame {
            code: *code,
            reason: reason.into(),
        })
    }
}

impl From<Unauthenticated> for Ended {
    fn from(reason: Unauthenticated) -> Self {
        match reason {
            Unauthenticated::Unavailable => Self::with(Self::TRY_LATER, reason.to_string()),
            _ => Self::with(Self::UNAUTHENTICATED, reason.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_into_a_close_frame_and_has_no_control_characters() {
        let ended = Ended::protocol(format!("\u{1b}[31m{}", "ä".repeat(200)));
        let reason = ended.frame().unwrap().reason;
        assert!(
            reason.len() <= REASON_BYTES && reason.ends_with("ä..."),
            "{reason}"
        );
        assert!(!reason.chars().any(char::is_control));
        assert_eq!(Ended::Gone.frame(), None);
    }
}
