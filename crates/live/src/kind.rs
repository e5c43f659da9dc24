//! Rooms of any aggregate, without their types.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;
use seriatim_core::{Domain, Message as _, Payload, RecordedEvent, StateView, panic_message};
use uuid::Uuid;

use crate::room::{Room, Sent};

/// What is done with the streams of one domain.
pub(crate) trait Kind: Send + Sync {
    fn domain(&self) -> Domain;

    /// Reads a state.
    fn state(&self, root: Uuid, view: &StateView) -> serde_json::Result<Box<dyn State>>;

    /// Returns the command that a request becomes, or a sentence that says why it makes none.
    fn command(&self, root: Uuid, sent: Sent<'_, Value>) -> Result<Payload, String>;
}

/// The state of one stream.
pub(crate) trait State: Send {
    /// Fails with a sentence if the event cannot be read. The state is of no use then.
    fn evolve(&mut self, event: &RecordedEvent) -> Result<(), String>;
    fn may_read(&self, user: &str) -> bool;
    /// Returns JSON, or a sentence that says why there is none.
    fn view(&self, user: &str) -> Result<String, String>;
}

/// The streams of an aggregate.
pub(crate) struct KindOf<R>(PhantomData<fn() -> R>);

impl<R> KindOf<R> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

struct StateOf<R> {
    root: Uuid,
    state: R,
}

impl<R: Room> Kind for KindOf<R> {
    fn domain(&self) -> Domain {
        Domain::of::<R>()
    }

    fn state(&self, root: Uuid, view: &StateView) -> serde_json::Result<Box<dyn State>> {
        let state: R = view.read()?;
        Ok(Box::new(StateOf { root, state }))
    }

    fn command(&self, root: Uuid, sent: Sent<'_, Value>) -> Result<Payload, String> {
        let Sent { user, id, request } = sent;
        let request = serde_json::from_value(request).map_err(|error| error.to_string())?;
        let command = guarded("command", || R::command(root, Sent { user, id, request }))??;
        command.encode().map_err(|error| error.to_string())
    }
}

impl<R: Room> State for StateOf<R> {
    fn evolve(&mut self, event: &RecordedEvent) -> Result<(), String> {
        match event.of::<R>() {
            Some(decoded) => {
                let decoded = decoded.map_err(|error| error.to_string())?;
                guarded("evolve", || self.state.evolve(&decoded))
            }
            // It has no meaning any more.
            None => Ok(()),
        }
    }

    fn may_read(&self, user: &str) -> bool {
        guarded("may_read", || self.state.may_read(self.root, user)).unwrap_or(false)
    }

    fn view(&self, user: &str) -> Result<String, String> {
        let view = guarded("view", || {
            serde_json::to_string(&self.state.view(self.root, user))
        })?;
        view.map_err(|error| error.to_string())
    }
}

/// Runs code of the application. If it panics, that is the fault of this stream, and the others go on.
fn guarded<T>(function: &str, run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let message = panic_message(panic.as_ref());
        tracing::error!(function, message, "a room has panicked");
        format!("`{function}` has panicked")
    })
}
