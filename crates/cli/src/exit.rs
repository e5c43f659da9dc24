//! The exit codes of the program, for scripts.

use std::process::ExitCode;

/// Every exit code. Their numbers are documented and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It is done, or the question is answered.
    Ok = 0,
    /// The server, its store or this program has a defect.
    Unexpected = 1,
    /// The command line is wrong, or lacks `--yes`.
    Usage = 2,
    /// The domain said no.
    Rejected = 3,
    /// The stream moved on, and the strategy did not merge.
    Conflict = 4,
    /// The command is parked as a dead letter: safe, but not done until a person decides.
    DeadLettered = 5,
    /// The server refuses the request as it is.
    Invalid = 6,
    /// The server does not answer, or not now.
    Unavailable = 7,
    /// There is no such domain, stream or letter.
    NotFound = 8,
    /// The server does not let this sender do that.
    Denied = 9,
    /// A store's tables are older than this program.
    Pending = 10,
    /// It is done, but a component of `--wait-for` has not handled it yet.
    NotHandled = 11,
    /// An audit has findings, or cannot read damaged data.
    Damaged = 12,
    /// A version of a read model differs from the live one.
    Different = 13,
}

impl Exit {
    /// Returns its name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unexpected => "unexpected",
            Self::Usage => "usage",
            Self::Rejected => "rejected",
            Self::Conflict => "conflict",
            Self::DeadLettered => "dead_lettered",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Pending => "pending",
            Self::NotHandled => "not_handled",
            Self::Damaged => "damaged",
            Self::Different => "different",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The end of `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done, or answered
  1  unexpected: a defect of the server, of its store or of this program
  2  usage: the command line is wrong, or lacks --yes; nothing was done
  3  rejected: the domain said no
  4  conflict: the stream moved on and the strategy did not merge; read again and decide anew
  5  dead-lettered: the command is parked until a person decides
  6  invalid: the server refuses the request as it is; correct it
  7  unavailable: the server does not answer, or not now; the same may be sent again
  8  not found: no such domain, stream, letter, component, read model or token
  9  denied: the server does not let you do that
  10 pending: migrations are missing; run `seriatim migrate`
  11 not handled: it is done, but those waited for with --wait-for have not handled it yet; do not send it again
  12 damaged: the log, or somebody's progress, contradicts itself; restore a backup
  13 different: a version of a read model does not show what the live one does

Data goes to stdout, everything else to stderr. With --json, answers are one JSON document (lists of events and \
streams: one a line) and errors one JSON object on stderr.";
