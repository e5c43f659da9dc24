//! Defines a read model in SQL, which a user writes: its tables, and how events change them.

use std::error::Error;

use crate::{EventFilter, ReadModelTables, RecordedEvent};

/// Tables that are made from events, in a database whose connections have the type `C`.
///
/// The tables change in the same transaction as the checkpoint, so every event counts exactly once, even after a crash.
/// Each version has tables of its own. To change their columns or their content, raise the version: the new one is
/// built from the first event on, beside the old one. Queries use views under the plain names, which show the live
/// version.
pub trait ReadModel<C: Send>: Send + Sync + 'static {
    /// Its name, for example `balances`: lower-case letters, digits and `_`, a letter first.
    const NAME: &'static str;

    /// The version, from 1 on.
    const VERSION: u32 = 1;

    /// The plain names of its tables, which consist of the same characters. No other read model in the schema may have
    /// them.
    const TABLES: &'static [&'static str] = &[Self::NAME];

    /// Returns the filter of the events that it gets. Name the types that it knows here, rather than ignore others in
    /// silence.
    fn filter(&self) -> EventFilter {
        EventFilter::default()
    }

    /// Makes the tables of this version and their indexes. It runs once, in a transaction, and their names are free
    /// then. Write it as an `async fn`, and [`project`](Self::project) too.
    fn create(
        &self,
        connection: &mut C,
        tables: &ReadModelTables,
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// Applies events to the tables, in the order of their positions; the events of a stream come without a gap.
    ///
    /// All waiting events come in one call, because each statement costs time. It is best to fold them in memory first,
    /// and to write the result in one statement, with all rows in one parameter.
    ///
    /// All its changes through the connection are undone if it fails or panics, if the process ends, or if another
    /// process has taken over the work; then the same events come again. It must not end the transaction; savepoints
    /// are allowed. Changes that it makes elsewhere are not undone.
    fn project(
        &self,
        connection: &mut C,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;
}
