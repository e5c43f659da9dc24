//! Subscribes to the events of a log over a connection.

mod back_off;
mod call;
mod order;

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use seriatim_core::{Begin, Cursor, EventFilter, Position, RecordedEvent, SubscribeError};
use tonic::Status;

use self::back_off::BackOff;
use self::call::{Responses, Subscriber, ended, passes};
use self::order::Order;
use crate::call_error::CallError;
use crate::convert::{self, Invalid};
use crate::departure::Departures;
use crate::status;
use crate::v1;

/// A subscription to the events of a log over a connection, from a place on to the end, and new ones as they are
/// recorded. Made by [`Client::subscribe`](crate::Client::subscribe).
///
/// It survives the loss of connections and servers: it subscribes again after the last cursor that it has returned, and
/// tries until this works. So no event is missed or repeated. The server sends only as much as is read and fits into
/// the window of the connection.
pub struct RemoteSubscription {
    subscriber: Subscriber,
    cursor: Cursor,
    order: Order,
    link: Link,
    /// `true` if the last notice was of a loss.
    lost: bool,
    back_off: BackOff,
    tell: Option<Tell>,
}

type Tell = Box<dyn FnMut(&Connection) + Send>;

/// Consecutive events of one partition. A batch is empty if only events were recorded that the filter leaves out, and
/// once when the end of the log is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteBatch {
    /// The events, in order.
    pub events: Vec<RecordedEvent>,
    /// The place after these events. To go on from here later, begin [after](Begin::After) it.
    pub cursor: Cursor,
    /// `true` if these were the last events when the server read them.
    pub caught_up: bool,
}

/// A change of the connection of a subscription that goes on.
#[derive(Debug)]
pub enum Connection {
    /// The connection is lost, or the server cannot answer for a while. The subscription tries again until it works.
    Lost(CallError<SubscribeError>),
    /// The connection works again.
    Restored,
}

enum Link {
    /// A call in progress, after a wait if it is not the first try. It is kept here, so that dropping the future that
    /// waits for it does not start it anew.
    Opening(BoxFuture<'static, Result<(String, Responses), Status>>),
    Open(Responses),
}

impl RemoteSubscription {
    pub(crate) async fn open(
        departures: Departures,
        timeout: Duration,
        begin: Begin,
        filter: EventFilter,
    ) -> Result<Self, CallError<SubscribeError>> {
        let order = Order::new(&begin, &filter);
        let subscriber = Subscriber {
            departures,
            timeout,
            filter,
        };
        let (cursor, responses) = subscriber.open(begin).await?;
        Ok(Self {
            subscriber,
            cursor: convert::cursor(&cursor, "cursor").map_err(CallError::Garbled)?,
            order,
            link: Link::Open(responses),
            lost: false,
            back_off: BackOff::default(),
            tell: None,
        })
    }

    /// Calls a function when the connection is lost and when it is restored. This is only for information: the
    /// subscription needs no action.
    #[must_use]
    pub fn on_connection(mut self, tell: impl FnMut(&Connection) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// Returns the place of the subscription: after the last batch that it has returned.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Waits for the next batch, through lost connections and restarts of the server. Returns an error only if waiting
    /// does not help. After any error the subscription is at the same place, and the next call tries again.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Result<RemoteBatch, CallError<SubscribeError>> {
        loop {
            match &mut self.link {
                Link::Opening(opening) => match opening.await {
                    Ok((begin, responses)) => {
                        self.link = Link::Open(responses);
                        // A subscription that has had no event yet may be in another log now.
                        if self.cursor.positions().all(|one| one == Position::START) {
                            let begin = convert::cursor(&begin, "cursor");
                            self.cursor = begin.map_err(CallError::Garbled)?;
                        }
                        if std::mem::take(&mut self.lost) {
                            self.tell(&Connection::Restored);
                        }
                    }
                    Err(status) => self.lose(status)?,
                },
                Link::Open(responses) => match responses.message().await {
                    Ok(Some(response)) => return self.take(response),
                    Ok(None) => self.lose(ended())?,
                    Err(status) => self.lose(status)?,
                },
            }
        }
    }

    fn take(
        &mut self,
        response: v1::SubscribeResponse,
    ) -> Result<RemoteBatch, CallError<SubscribeError>> {
        let caught_up = response.caught_up;
        let (events, after) = match self.read(response) {
            Ok(read) => read,
            Err(invalid) => {
                self.reopen(None);
                return Err(CallError::Garbled(invalid));
            }
        };
        self.back_off.reset();
        let (events, fault) = self.order.check(&mut self.cursor, events);
        let Some(fault) = fault else {
            self.cursor = after;
            return Ok(self.batch(events, caught_up));
        };
        self.reopen(None);
        if events.is_empty() {
            return Err(CallError::Refused(fault));
        }
        // The events before the fault are returned; a caller that goes on from there meets the fault first.
        Ok(self.batch(events, false))
    }

    fn read(
        &self,
        response: v1::SubscribeResponse,
    ) -> Result<(Vec<RecordedEvent>, Cursor), Invalid> {
        let (events, after) = convert::subscribed(response)?;
        if after.partitions() == self.cursor.partitions() {
            return Ok((events, after));
        }
        Err(Invalid::field(
            "cursor",
            "is a place in another log than the one before",
        ))
    }

    fn batch(&self, events: Vec<RecordedEvent>, caught_up: bool) -> RemoteBatch {
        RemoteBatch {
            events,
            cursor: self.cursor.clone(),
            caught_up,
        }
    }

    /// Begins anew after the cursor, whatever ended the call. Fails if that would not help until somebody has corrected
    /// the cause.
    fn lose(&mut self, status: Status) -> Result<(), CallError<SubscribeError>> {
        let passes = passes(&status);
        self.reopen(status::retry_after(&status));
        let error = CallError::from(status);
        if !passes {
            return Err(error);
        }
        if !std::mem::replace(&mut self.lost, true) {
            self.tell(&Connection::Lost(error));
        }
        Ok(())
    }

    fn reopen(&mut self, asked: Option<Duration>) {
        let wait = self.back_off.next(asked);
        let begin = Begin::After(self.cursor.clone());
        let subscriber = self.subscriber.clone();
        self.link = Link::Opening(Box::pin(async move {
            tokio::time::sleep(wait).await;
            subscriber.open(begin).await
        }));
    }

    fn tell(&mut self, news: &Connection) {
        if let Some(tell) = &mut self.tell {
            tell(news);
        }
    }
}

impl fmt::Debug for RemoteSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSubscription")
            .field("filter", &self.subscriber.filter)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
