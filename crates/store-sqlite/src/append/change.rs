//! Defines what the writer does besides appends: changes, each with a way to answer its caller.

use rusqlite::Error;
use seriatim_core::StoreError;
use tokio::sync::oneshot;

use crate::append::transaction::Transaction;

/// Something that is written in the writer's transaction.
pub(crate) trait Change: Send {
    /// Writes it. This is called again if the transaction fails and is tried anew; only the last call counts.
    fn make(&mut self, transaction: &mut Transaction<'_, '_>) -> Result<(), Error>;

    /// Tells the caller, if it is still there, that what was made is durable.
    fn done(self: Box<Self>);

    /// Tells the caller why it is not durable, or why this is not known.
    fn failed(self: Box<Self>, error: &StoreError);
}

/// A change made of a closure, and the receiver of its answer. `action` is what it does, as a verb phrase.
pub(crate) fn change<T, F>(
    action: &'static str,
    make: F,
) -> (Box<dyn Change>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: Fn(&mut Transaction<'_, '_>) -> Result<T, Error> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let change = Asked {
        action,
        make,
        made: None,
        reply,
    };
    (Box::new(change), answer)
}

struct Asked<T, F> {
    action: &'static str,
    make: F,
    made: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Change for Asked<T, F>
where
    T: Send,
    F: Fn(&mut Transaction<'_, '_>) -> Result<T, Error> + Send,
{
    fn make(&mut self, transaction: &mut Transaction<'_, '_>) -> Result<(), Error> {
        self.made = Some((self.make)(transaction)?);
        Ok(())
    }

    fn done(self: Box<Self>) {
        let made = self.made.expect("it was made before it is durable");
        let _ = self.reply.send(Ok(made));
    }

    fn failed(self: Box<Self>, error: &StoreError) {
        let _ = self.reply.send(Err(StoreError {
            action: self.action,
            ..error.clone()
        }));
    }
}
