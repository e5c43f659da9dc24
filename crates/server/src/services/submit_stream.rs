//! Many requests of one call in flight at once.

use futures::future::{BoxFuture, OptionFuture};
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};
use prost::Message;
use seriatim_core::SubmitError;
use seriatim_proto::convert::Invalid;
use seriatim_proto::{status as wire_status, v1};
use tokio::sync::watch;
use tonic::{Status, Streaming};
use v1::submit_stream_response::Result as Answer;

use super::command::Commands;
use super::status;
use crate::answer::SMALL;
use crate::ration::{Held, Ration};

/// One call. It lives in the task of its connection: while the client does not read answers, nothing here is polled,
/// so nothing more is read from it either.
pub(super) struct SubmitStream {
    commands: Commands,
    actor: Option<String>,
    unread: Ration,
    requests: Streaming<v1::SubmitStreamRequest>,
    /// Ends when there is room for what is read next; `None` if there is.
    room: Option<BoxFuture<'static, Held>>,
    in_flight: FuturesUnordered<BoxFuture<'static, v1::SubmitStreamResponse>>,
    limit: usize,
    closed: watch::Receiver<bool>,
    /// Once set, nothing more is read, and the call ends with it when all is answered.
    end: Option<Result<(), Status>>,
}

enum Next {
    Answered(v1::SubmitStreamResponse),
    Room,
    Asked(v1::SubmitStreamRequest),
    Ended(Result<(), Status>),
}

impl SubmitStream {
    pub(super) fn new(
        commands: Commands,
        actor: Option<String>,
        unread: Ration,
        requests: Streaming<v1::SubmitStreamRequest>,
        limit: usize,
        closed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            commands,
            actor,
            unread,
            requests,
            room: None,
            in_flight: FuturesUnordered::new(),
            limit,
            closed,
            end: None,
        }
    }

    /// The answers, in the order of completion.
    pub(super) fn answers(self) -> BoxStream<'static, Result<v1::SubmitStreamResponse, Status>> {
        stream::unfold(Some(self), |call| async {
            let mut call = call?;
            match call.next_answer().await {
                Ok(answer) => Some((Ok(answer), Some(call))),
                Err(Ok(())) => None,
                Err(Err(status)) => Some((Err(status), None)),
            }
        })
        .boxed()
    }

    /// The next answer, or how the call ends.
    async fn next_answer(&mut self) -> Result<v1::SubmitStreamResponse, Result<(), Status>> {
        loop {
            if let Some(end) = &self.end
                && self.in_flight.is_empty()
            {
                return Err(end.clone());
            }
            match self.next().await {
                Next::Answered(answer) => return Ok(answer),
                Next::Room => self.room = None,
                Next::Asked(request) => self.begin(request),
                Next::Ended(end) => self.end = Some(end),
            }
        }
    }

    /// What happens next. Nothing is lost by dropping the branches that were slower.
    async fn next(&mut self) -> Next {
        let reading = self.end.is_none();
        let wants_more = reading && self.in_flight.len() < self.limit;
        if wants_more && self.room.is_none() && !self.unread.has_room() {
            let unread = self.unread.clone();
            self.room = Some(Box::pin(async move { unread.wait(1).await }));
        }
        tokio::select! {
            Some(answer) = self.in_flight.next() => Next::Answered(answer),
            Some(_) = OptionFuture::from(self.room.as_mut()) => Next::Room,
            request = self.requests.message(), if wants_more && self.room.is_none() => {
                match request {
                    Ok(Some(request)) => Next::Asked(request),
                    Ok(None) => Next::Ended(Ok(())),
                    Err(status) => Next::Ended(Err(status)),
                }
            }
            _ = self.closed.wait_for(|closed| *closed), if reading => {
                Next::Ended(Err(status(SubmitError::ShuttingDown)))
            }
        }
    }

    /// Until it is answered, and the client takes that, a large request counts as under way to the client: its events are
    /// in the answer, whether they are shown or not.
    fn begin(&self, request: v1::SubmitStreamRequest) {
        let commands = self.commands.clone();
        let actor = self.actor.clone();
        let unread = self.unread.clone();
        let size = request.encoded_len();
        let held = (size > SMALL).then(|| self.unread.add(size));
        let run = async move {
            let _held = held;
            let answer = match request.request {
                Some(request) => commands.run(request, actor, &unread, size.max(SMALL)).await,
                None => Err(status(Invalid::field("request", "is missing; give one"))),
            };
            v1::SubmitStreamResponse {
                tag: request.tag,
                result: Some(match answer {
                    Ok(response) => Answer::Response(response),
                    Err(status) => Answer::Status(wire_status::to_message(&status)),
                }),
            }
        };
        self.in_flight.push(Box::pin(run));
    }
}
