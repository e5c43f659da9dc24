//! Who has joined a stream, and the signals that they show: soft state that expires by itself and is never recorded.

mod keeper;
mod table;

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use seriatim_core::StreamId;

pub(crate) use keeper::Keeper;

/// The signal of every user that has joined a stream.
pub const HERE: &str = "here";

/// A signal that a user shows on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The stream.
    pub stream: StreamId,
    /// The user.
    pub user: String,
    /// The signal: [`HERE`], or what the application has sent, such as `typing`.
    pub signal: String,
    /// The time after which it is gone unless it is shown again.
    pub lasts: Duration,
}

/// Tells the gateways of several processes of one another's signals: a small table that expires.
pub trait SharePresence: Send + Sync + 'static {
    /// Replaces what this process has shared by `ours`, and returns what all other processes have shared and what has
    /// not run out. It is called about once a second. An error is logged, and the signals of others run out.
    fn exchange(
        &self,
        ours: Vec<Shown>,
    ) -> impl Future<Output = Result<Vec<Shown>, Box<dyn Error + Send + Sync>>> + Send;
}

/// The error of an application that shares presence.
pub(crate) type ShareError = Box<dyn Error + Send + Sync>;

/// A [`SharePresence`] without its type.
pub(crate) trait Share: Send + Sync {
    fn exchange(
        &self,
        ours: Vec<Shown>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Shown>, ShareError>> + Send + '_>>;
}

impl<S: SharePresence> Share for S {
    fn exchange(
        &self,
        ours: Vec<Shown>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Shown>, ShareError>> + Send + '_>> {
        Box::pin(SharePresence::exchange(self, ours))
    }
}
