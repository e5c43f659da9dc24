//! The handle of one aggregate: what an application does with it and asks about it.

use std::fmt;
use std::marker::PhantomData;

use seriatim_core::{
    Aggregate, At, Domain, Fault, QueryError, RecordedEvent, Sequence, StoreError, StreamId,
};
use uuid::Uuid;

use crate::App;
use crate::send::{RecordFact, SendCommand};

/// One aggregate of an application, by its type and its root. Made by [`App::of`].
///
/// It is a name and holds nothing: it may be copied, and it exists also for an aggregate that has no events yet.
pub struct AggregateRef<'app, A> {
    app: &'app App,
    root: Uuid,
    aggregate: PhantomData<fn() -> A>,
}

impl<'app, A: Aggregate> AggregateRef<'app, A> {
    pub(crate) fn new(app: &'app App, root: Uuid) -> Self {
        Self {
            app,
            root,
            aggregate: PhantomData,
        }
    }

    /// The stream of its events.
    pub fn stream(self) -> StreamId {
        StreamId::new(Domain::of::<A>(), self.root)
    }

    /// Sends a command. Nothing is sent before the value is awaited; awaiting it returns the receipt, once the outcome is
    /// durable.
    pub fn send(self, command: A::Command) -> SendCommand<A> {
        let App {
            coordinator,
            waiter,
            ..
        } = self.app;
        SendCommand::new(coordinator.clone(), waiter.clone(), self.stream(), command)
    }

    /// Records a fact: something that happened at `source`, which knows it as `external_id`. Nothing is recorded before
    /// the value is awaited; awaiting it returns the receipt, once the outcome is durable.
    pub fn record(self, event: A::Event, source: &str, external_id: &str) -> RecordFact<A> {
        RecordFact::new(
            self.app.coordinator.clone(),
            self.app.waiter.clone(),
            self.stream(),
            event,
            source,
            external_id,
        )
    }

    /// Returns the current state, and the sequence of the last event in it.
    pub async fn state(self) -> Result<Standing<A>, QueryError> {
        self.state_at(At::Current).await
    }

    /// Returns the state at a sequence or a time, and the sequence of the last event in it.
    pub async fn state_at(self, at: At) -> Result<Standing<A>, QueryError> {
        let stream = self.stream();
        let view = self.app.coordinator.state(&stream, at).await?;
        let state = view.read().map_err(|error| QueryError::Broken {
            stream,
            fault: Fault::Unreadable {
                what: "state",
                why: error.to_string(),
            },
        })?;
        Ok(Standing {
            state,
            sequence: view.sequence,
        })
    }

    /// Returns at most `limit` events, oldest first, beginning with the one that has the sequence `from`.
    pub async fn events(
        self,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let log = self.app.coordinator.log();
        log.read_stream(&self.stream(), from, limit).await
    }
}

impl<A> Clone for AggregateRef<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for AggregateRef<'_, A> {}

impl<A: Aggregate> fmt::Debug for AggregateRef<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = format_args!("{}", self.stream());
        f.debug_tuple("AggregateRef").field(&stream).finish()
    }
}

/// A state, and the last event it contains (`None`: there are no events yet).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<A> {
    /// The state.
    pub state: A,
    /// The sequence of the last event in it.
    pub sequence: Option<Sequence>,
}
