//! Holds one call of `append` that waits for its commit.

use seriatim_core::{Append, AppendError, AppendOutcome, StoreError, StoreErrorKind};
use tokio::sync::oneshot;

use crate::Size;

/// The name of the action in errors.
pub const APPEND: &str = "append events";

type Outcomes = Result<Vec<AppendOutcome>, AppendError>;

/// The appends of a call, and its caller. It is no error if the caller has gone away.
#[derive(Debug)]
pub struct Call {
    /// The appends.
    pub appends: Vec<Append>,
    reply: oneshot::Sender<Outcomes>,
}

/// The end at which the caller waits.
#[derive(Debug)]
pub struct Answer(oneshot::Receiver<Outcomes>);

impl Call {
    /// Makes a call, and the answer that its caller waits for.
    pub fn new(appends: Vec<Append>) -> (Self, Answer) {
        let (reply, answer) = oneshot::channel();
        (Self { appends, reply }, Answer(answer))
    }

    /// Returns the size of all its appends together.
    pub fn size(&self) -> Size {
        let parts = self.appends.iter().flat_map(Append::parts);
        let events = parts.flat_map(|part| part.events);
        Size {
            appends: self.appends.len(),
            bytes: events.map(|event| event.payload.data.len()).sum(),
        }
    }

    /// Answers it, once its appends are durable.
    pub fn answer(self, outcomes: Vec<AppendOutcome>) {
        let _ = self.reply.send(Ok(outcomes));
    }

    /// Answers it with an error.
    pub fn fail(self, error: &AppendError) {
        let _ = self.reply.send(Err(match error {
            AppendError::NotWritten(cause) => AppendError::NotWritten(cause.clone()),
            AppendError::Unknown(cause) => AppendError::Unknown(cause.clone()),
        }));
    }
}

impl Answer {
    /// Waits for the answer. The outcome is unknown if the writer ends before it answers.
    pub async fn get(self) -> Outcomes {
        let ended = |_| {
            let why = "the writer has ended; restart the program";
            let error = StoreError::new(APPEND, StoreErrorKind::Unavailable, why);
            Err(AppendError::Unknown(error))
        };
        self.0.await.unwrap_or_else(ended)
    }
}
