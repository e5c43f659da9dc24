//! Sends the commands of one connection, one after another.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use seriatim_core::{
    CommandGateway as _, CommandRequest, ExpectedSequence, Metadata, Receipt, Sequence, StreamId,
    SubmitError,
};

use crate::answer::{self, Asked};
use crate::frames::{Reason, Refused, Send, ServerFrame};
use crate::gateway::Gateway;
use crate::room::Sent;
use crate::session::Session;

/// The commands that may wait for their turn.
const WAITING: usize = 64;

type Answer = Pin<Box<dyn Future<Output = Answered> + std::marker::Send>>;

/// The commands of a connection that have no answer yet. One is sent at a time, so they take effect in their order.
#[derive(Default)]
pub(crate) struct Sending {
    current: Option<(Command, Answer)>,
    waiting: VecDeque<(Command, CommandRequest)>,
}

/// What became of a command, and whether the stream as it is then lets the sender read it.
type Answered = (Result<Receipt, SubmitError>, bool);

/// What an answer is for.
struct Command {
    asked: Asked,
    stream: StreamId,
}

impl Sending {
    /// Takes in a command. Returns the answer if it is refused at once.
    pub(crate) fn take(&mut self, send: Send, session: &Session) -> Option<Utf8Bytes> {
        let stream = send.stream.0.clone();
        let asked = Asked {
            r#ref: send.r#ref,
            stream: stream.to_string(),
        };
        match self.check(send, session) {
            Ok(request) => {
                self.waiting.push_back((Command { asked, stream }, request));
                None
            }
            Err((reason, message, retry_after_ms)) => {
                let refused = Refused {
                    retry_after_ms,
                    ..asked.refused(reason, message)
                };
                Some(ServerFrame::Refused(refused).encode())
            }
        }
    }

    fn check(
        &self,
        send: Send,
        session: &Session,
    ) -> Result<CommandRequest, (Reason, String, Option<u128>)> {
        let stream = send.stream.0;
        let denied = || (Reason::Denied, answer::DENIED.to_owned(), None);
        if !(session.gateway).may_send(&session.principal, &stream.domain) {
            return Err(denied());
        }
        let kind = session
            .gateway
            .rooms
            .kind(&stream.domain)
            .ok_or_else(denied)?;
        if send.id.is_empty() {
            let message = "give the command an `id`, under which it can be repeated";
            return Err((Reason::Invalid, message.into(), None));
        }
        if self.waiting.len() >= WAITING {
            let message = "too many commands of this connection wait; send it again";
            return Err((Reason::Busy, message.into(), Some(100)));
        }
        if let Err(wait) = session.counted.send_one() {
            let message = "you send too much; send it again a little later";
            return Err((
                Reason::Limited,
                message.into(),
                // Rounded up: whoever comes back too early is refused again.
                Some(wait.as_millis() + 1),
            ));
        }
        let sent = Sent {
            user: &session.user,
            id: &send.id,
            request: send.command,
        };
        let command = kind.command(stream.root, sent);
        let command = command.map_err(|message| (Reason::Invalid, message, None))?;
        Ok(CommandRequest {
            expected: send.expect.map_or(ExpectedSequence::Any, |sequence| {
                ExpectedSequence::Exactly(Sequence(sequence))
            }),
            metadata: Metadata {
                external_id: Some(send.id),
                actor: Some(session.user.as_ref().into()),
                ..Metadata::default()
            },
            ..CommandRequest::new(stream, command)
        })
    }

    /// Returns whether an answer is awaited.
    pub(crate) fn is_busy(&self) -> bool {
        self.current.is_some() || !self.waiting.is_empty()
    }

    /// Waits for the answer to the next command.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&mut self, session: &Session) -> Option<Utf8Bytes> {
        if self.current.is_none() {
            let (command, request) = self.waiting.pop_front()?;
            // The right may be gone since it was taken in.
            if !(session.gateway).may_send(&session.principal, &command.stream.domain) {
                let refused = command.asked.refused(Reason::Denied, answer::DENIED);
                return Some(ServerFrame::Refused(refused).encode());
            }
            let (gateway, user) = (Arc::clone(&session.gateway), Arc::clone(&session.user));
            self.current = Some((command, Box::pin(submit(gateway, request, user))));
        }
        let (_, answer) = self.current.as_mut()?;
        let (result, is_let_in) = answer.await;
        let (command, _) = self.current.take()?;
        let domain = &command.stream.domain;
        let may_read = is_let_in && session.gateway.may_follow(&session.principal, domain);
        Some(answer::of_command(&command.asked, result, may_read))
    }
}

async fn submit(gateway: Arc<Gateway>, request: CommandRequest, user: Arc<str>) -> Answered {
    let stream = request.stream.clone();
    let result = gateway.coordinator.submit(request).await;
    let is_let_in = match &result {
        // The answer would show what others have recorded. Live events may not have got there yet, so the store is
        // asked.
        Err(SubmitError::Conflict(_) | SubmitError::BeyondCurrent { .. }) => {
            gateway.rooms.may_read(&stream, &user).await
        }
        _ => false,
    };
    (result, is_let_in)
}
