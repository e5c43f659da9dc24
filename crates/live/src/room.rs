//! What an application says of the streams that users follow.

use serde::Serialize;
use serde::de::DeserializeOwned;
use seriatim_core::Aggregate;
use uuid::Uuid;

/// An aggregate whose streams users follow and write to.
///
/// Who may read a stream is a question to its state. It is asked again after every event, so a user that an event shuts
/// out gets that event and none after it.
///
/// ```
/// use seriatim_core::{Aggregate, Never};
/// use seriatim_derive::{Command, Event};
/// use seriatim_live::{Room, Sent};
/// use serde::{Deserialize, Serialize};
/// use uuid::Uuid;
///
/// #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # #[seriatim(crate = "seriatim_core")]
/// enum Written {
///     Written { by: String, text: String },
/// }
///
/// #[derive(Command, Serialize, Deserialize, Clone, Debug)]
/// # #[seriatim(crate = "seriatim_core")]
/// enum Write {
///     Write { by: String, text: String },
/// }
///
/// #[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
/// struct Board {
///     notes: usize,
/// }
///
/// impl Aggregate for Board {
///     const DOMAIN: &'static str = "board";
///     type Command = Write;
///     type Event = Written;
///     type Rejection = Never;
///
///     fn decide(&self, Write::Write { by, text }: &Write) -> Result<Vec<Written>, Never> {
///         Ok(vec![Written::Written { by: by.clone(), text: text.clone() }])
///     }
///
///     fn evolve(&mut self, _: &Written) {
///         self.notes += 1;
///     }
/// }
///
/// /// What a browser sends: it cannot say who writes.
/// #[derive(Deserialize)]
/// struct Note {
///     text: String,
/// }
///
/// impl Room for Board {
///     type Request = Note;
///     type View = usize;
///
///     fn may_read(&self, _: Uuid, _user: &str) -> bool {
///         true
///     }
///
///     fn view(&self, _: Uuid, _user: &str) -> usize {
///         self.notes
///     }
///
///     fn command(_: Uuid, sent: Sent<'_, Note>) -> Result<Write, String> {
///         Ok(Write::Write { by: sent.user.into(), text: sent.request.text })
///     }
/// }
/// ```
pub trait Room: Aggregate {
    /// What users send, read from the field `command` of the frame. [`NoRequests`] if they send nothing.
    type Request: DeserializeOwned + Send;
    /// What a user is shown of the state on joining.
    type View: Serialize;

    /// Returns whether a user may read the stream with this root in this state: its history and its live events.
    fn may_read(&self, root: Uuid, user: &str) -> bool;

    /// Returns what a user is shown of the state on joining.
    fn view(&self, root: Uuid, user: &str) -> Self::View;

    /// Returns the command that a request becomes. Whether the user may send it is decided by
    /// [`decide`](Aggregate::decide), on the state that the events are appended to; so the command names the user.
    /// Fails with a sentence for the sender if the request makes no sense for this stream.
    fn command(root: Uuid, sent: Sent<'_, Self::Request>) -> Result<Self::Command, String>;
}

/// A request of a user.
#[derive(Clone, Debug)]
pub struct Sent<'a, R> {
    /// The user, as the server knows it.
    pub user: &'a str,
    /// The idempotency key that the sender gave it.
    pub id: &'a str,
    /// The request.
    pub request: R,
}

/// The request of a stream to which users send nothing: no JSON is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRequests {}

impl<'de> serde::Deserialize<'de> for NoRequests {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom(
            "users send no commands to this stream",
        ))
    }
}
