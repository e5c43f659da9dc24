//! Runs many requests of one call at once.

use std::panic::resume_unwind;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, OptionFuture};
use futures::stream::{self, BoxStream, StreamExt};
use prost::Message;
use seriatim_core::SubmitError;
use seriatim_proto::convert::Invalid;
use seriatim_proto::{status as wire_status, v1};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tonic::{Status, Streaming};
use v1::submit_stream_response::Result as Answer;

use super::command::Commands;
use super::{By, status};
use crate::answer::SMALL;
use crate::call::Call;
use crate::gate::InWork;
use crate::ration::Held;

/// One call. It runs when its answer is asked for more: while the client does not read answers, it is not polled, so it
/// reads nothing from the client either.
pub(super) struct SubmitStream {
    commands: Arc<Commands>,
    by: By,
    call: Call,
    /// A wait for the end of the caller's rights.
    denied: Option<BoxFuture<'static, Status>>,
    requests: Streaming<v1::SubmitStreamRequest>,
    /// A signal that the request that was read last is in work; `None` if it is.
    outside: Option<oneshot::Receiver<()>>,
    /// The requests. They run on tasks of their own, so that they end whether or not the client reads the answers:
    /// until then they are in work.
    in_flight: JoinSet<Answered>,
    limit: usize,
    closed: watch::Receiver<bool>,
    /// The end of the call, once it is known. Then nothing more is read, and the call ends when all is answered.
    end: Option<Result<(), Status>>,
}

/// An answer, and the room that it takes. Its request has the room from the start: while there is none, nothing is run,
/// and nothing more is read. So an answer never waits for room that only other answers of this call may have.
type Answered = (v1::SubmitStreamResponse, Held);

enum Next {
    Answered(Answered),
    Asked(v1::SubmitStreamRequest),
    InWork,
    Ended(Result<(), Status>),
}

impl SubmitStream {
    pub(super) fn new(
        commands: Commands,
        by: By,
        call: Call,
        requests: Streaming<v1::SubmitStreamRequest>,
        limit: usize,
        closed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            commands: Arc::new(commands),
            by,
            denied: call.denied(),
            call,
            requests,
            outside: None,
            in_flight: JoinSet::new(),
            limit,
            closed,
            end: None,
        }
    }

    /// Returns the answers, in the order of completion.
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

    /// Returns the next answer. Fails with the end of the call if there is none.
    async fn next_answer(&mut self) -> Result<v1::SubmitStreamResponse, Result<(), Status>> {
        loop {
            if let Some(end) = &self.end
                && self.in_flight.is_empty()
            {
                return Err(end.clone());
            }
            match self.next().await {
                Next::Answered((answer, room)) => {
                    self.call.add_room(room);
                    return Ok(answer);
                }
                Next::Asked(request) => self.take(request),
                Next::InWork => self.outside = None,
                Next::Ended(end) => self.end = Some(end),
            }
        }
    }

    /// Waits for the next event. Nothing is lost by dropping the branches that were slower.
    async fn next(&mut self) -> Next {
        let reading = self.end.is_none();
        let wants_more = reading && self.outside.is_none() && self.in_flight.len() < self.limit;
        tokio::select! {
            // Nothing more is read once the right is gone.
            biased;
            Some(status) = OptionFuture::from(self.denied.as_mut()), if reading => {
                Next::Ended(Err(status))
            }
            _ = self.closed.wait_for(|closed| *closed), if reading => {
                Next::Ended(Err(status(SubmitError::ShuttingDown)))
            }
            Some(answered) = self.in_flight.join_next() => {
                Next::Answered(answered.unwrap_or_else(|error| resume_unwind(error.into_panic())))
            }
            Some(_) = OptionFuture::from(self.outside.as_mut()) => Next::InWork,
            request = self.requests.message(), if wants_more => {
                match request {
                    Ok(Some(request)) => Next::Asked(request),
                    Ok(None) => Next::Ended(Ok(())),
                    Err(status) => Next::Ended(Err(status)),
                }
            }
        }
    }

    /// Runs a request at once, or when it is in work: until then nothing more is read.
    fn take(&mut self, request: v1::SubmitStreamRequest) {
        let mut turn = self.call.turn(request.encoded_len().max(SMALL));
        let work = Work {
            commands: Arc::clone(&self.commands),
            by: self.by.clone(),
            call: self.call.clone(),
            request,
        };
        // The tasks are boxed, because a task is copied several times while it is made and when it ends.
        match turn.as_mut().now_or_never() {
            Some(turn) => self.in_flight.spawn(Box::pin(work.answer(turn))),
            None => {
                let (enter, outside) = oneshot::channel();
                self.outside = Some(outside);
                self.in_flight.spawn(Box::pin(async move {
                    let turn = turn.await;
                    // This fails if the call has ended.
                    let _ = enter.send(());
                    work.answer(turn).await
                }))
            }
        };
    }
}

/// A request that was read.
struct Work {
    commands: Arc<Commands>,
    by: By,
    call: Call,
    request: v1::SubmitStreamRequest,
}

impl Work {
    async fn answer(self, (mut room, in_work): (Held, InWork)) -> Answered {
        let Self {
            commands,
            by,
            call,
            request: v1::SubmitStreamRequest { tag, request },
        } = self;
        let answer = match request {
            Some(request) => {
                let ran = commands.run(request, in_work, &by, call.unread(), Some(&mut room));
                ran.await
            }
            None => Err(status(Invalid::field("request", "is missing; give one"))),
        };
        let answer = v1::SubmitStreamResponse {
            tag,
            result: Some(match answer {
                Ok(response) => Answer::Response(response),
                Err(status) => Answer::Status(wire_status::to_message(&status)),
            }),
        };
        room.settle(answer.encoded_len().max(SMALL));
        (answer, room)
    }
}
