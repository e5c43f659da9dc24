//! Reads the events of the log, as the client takes them.

use futures::stream::{self, BoxStream, StreamExt};
use prost::Message;
use seriatim_core::{Cursor, SubmitError};
use seriatim_proto::{convert, v1};
use seriatim_runtime::{Batch, Subscription};
use seriatim_security::Verb;
use tokio::sync::watch;
use tonic::Status;

use super::status;
use crate::call::Call;
use crate::method::{LARGE, PAGE};
use crate::ration::Held;

/// The size of the events of one response, unless it is a single event.
const RESPONSE_BYTES: usize = 64 * 1024;
/// The number of unwanted events after which a client is told its place, so that it does not begin before them again.
/// Fewer are not worth a message.
const UNTOLD_EVENTS: u64 = 1000;

/// One call. It runs when its answer is asked for more: while the client takes nothing, it is not polled, so it reads
/// nothing either.
pub(super) struct LogStream {
    subscription: Subscription,
    call: Call,
    /// The room for events that are read and not yet sent. Each response takes its part of it along.
    held: Option<Held>,
    /// The assumed size of the next page.
    page_bytes: usize,
    /// `true` if nothing followed the last read.
    at_the_end: bool,
    closed: watch::Receiver<bool>,
    /// The batch that is being sent, and the number of its events that were sent.
    batch: Option<(Batch, usize)>,
    /// The place of a client that has taken everything that was read and sent.
    cursor: Cursor,
    /// The number of events that the cursor has moved over since the client was last told of it.
    untold: u64,
    /// `true` if the client was last told that it has reached the end.
    caught_up: bool,
}

impl LogStream {
    pub(super) fn new(
        subscription: Subscription,
        call: Call,
        closed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            cursor: subscription.cursor().clone(),
            subscription,
            call,
            held: None,
            page_bytes: LARGE,
            at_the_end: false,
            closed,
            batch: None,
            untold: 0,
            caught_up: false,
        }
    }

    /// Returns the place where it begins, then the responses that follow.
    pub(super) fn responses(mut self) -> BoxStream<'static, Result<v1::SubscribeResponse, Status>> {
        let begin = self.response(Vec::new(), false);
        let rest = stream::unfold(Some(self), |call| async {
            let mut call = call?;
            match call.next_response().await {
                Ok(response) => Some((Ok(response), Some(call))),
                Err(status) => Some((Err(status), None)),
            }
        });
        stream::iter([Ok(begin)]).chain(rest).boxed()
    }

    async fn next_response(&mut self) -> Result<v1::SubscribeResponse, Status> {
        loop {
            let (batch, sent) = match self.batch.take() {
                Some(_) if *self.closed.borrow() => return Err(status(SubmitError::ShuttingDown)),
                Some(rest) => rest,
                None => (self.next_batch().await?, 0),
            };
            if let Some(response) = self.piece(batch, sent) {
                return Ok(response);
            }
        }
    }

    async fn next_batch(&mut self) -> Result<Batch, Status> {
        let mut closed = self.closed.clone();
        tokio::select! {
            biased;
            // This fails if the server is gone, which means the same.
            _ = closed.wait_for(|closed| *closed) => Err(status(SubmitError::ShuttingDown)),
            batch = self.read_batch() => batch,
        }
    }

    /// Returns the next batch. At the end of the log it waits without holding room, because many subscribers share the
    /// events there.
    async fn read_batch(&mut self) -> Result<Batch, Status> {
        // A call that waits for room holds none, so that none waits for another.
        self.held = None;
        if !self.at_the_end {
            self.held = Some(self.call.unread().wait(self.page_bytes).await);
        }
        let batch = self.subscription.next().await.map_err(status)?;
        self.at_the_end = batch.caught_up();
        let mut held = match self.held.take() {
            Some(held) => held,
            None => self.call.unread().wait(self.page_bytes).await,
        };
        let events = batch.events();
        let bytes: usize = events.map(|event| event.payload.data.len()).sum();
        held.settle(PAGE.max(bytes));
        self.held = Some(held);
        self.page_bytes = PAGE;
        Ok(batch)
    }

    /// Returns as many events of a batch as fit, beginning after the first `sent`, with the cursor after them. Returns
    /// `None` if the client need not be told.
    fn piece(&mut self, batch: Batch, sent: usize) -> Option<v1::SubscribeResponse> {
        let (mut events, mut bytes, mut last) = (Vec::new(), 0, None);
        let mut left = batch.events().skip(sent);
        let mut passed = 0;
        while bytes < RESPONSE_BYTES
            && let Some(event) = left.next()
        {
            passed += 1;
            // It is as if the events of other domains were not there.
            if !self
                .call
                .caller()
                .may(Verb::Subscribe, &event.stream.domain)
            {
                continue;
            }
            let message = convert::subscribed_event(event);
            bytes += message.encoded_len();
            events.push(message);
            last = Some(event);
        }
        let is_rest = left.next().is_none();
        drop(left);
        if let Some(last) = last
            && !is_rest
        {
            self.cursor.pass(last);
            let sent = sent + passed;
            self.batch = Some((batch, sent));
            return Some(self.response(events, false));
        }
        self.untold += distance(&self.cursor, batch.cursor());
        self.cursor = batch.cursor().clone();
        let caught_up = batch.caught_up();
        let is_news =
            !events.is_empty() || (caught_up && !self.caught_up) || self.untold >= UNTOLD_EVENTS;
        is_news.then(|| self.response(events, caught_up))
    }

    fn response(
        &mut self,
        events: Vec<v1::SubscribedEvent>,
        caught_up: bool,
    ) -> v1::SubscribeResponse {
        self.untold = 0;
        self.caught_up = caught_up;
        let response = v1::SubscribeResponse {
            events,
            cursor: self.cursor.to_string(),
            caught_up,
        };
        if let Some(held) = &mut self.held {
            self.call.add_room(held.split(response.encoded_len()));
        }
        response
    }
}

/// Returns how many events lie between two places.
fn distance(from: &Cursor, to: &Cursor) -> u64 {
    let each = from.iter().zip(to.iter());
    each.map(|((_, from), (_, to))| to.position.0 - from.position.0)
        .sum()
}
