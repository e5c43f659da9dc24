//! What a user writes to have a read model in SQL: its tables, and how events change them.

use std::error::Error;

use crate::{EventFilter, ReadModelTables, RecordedEvent};

/// Tables that are made of events, in a database whose connections are of the type `C`.
///
/// They change in the same transaction as the checkpoint, so every event counts once, whatever crashes when. Each version
/// has tables of its own: to change their columns or what is in them, raise the version, and the new one is built from the
/// first event on, beside the old one. Queries go to views under the plain names, which show the version that is live.
pub trait ReadModel<C: Send>: Send + Sync + 'static {
    /// What it is called: `balances`. Lower-case letters, digits and `_`, a letter first.
    const NAME: &'static str;

    /// Counts from 1.
    const VERSION: u32 = 1;

    /// The plain names of its tables, in the same letters. No other read model in the schema may have them.
    const TABLES: &'static [&'static str] = &[Self::NAME];

    /// Which events it is given. What is left out here is skipped by declaration: better name the types it knows than
    /// pass over others in silence.
    fn filter(&self) -> EventFilter {
        EventFilter::default()
    }

    /// Makes the tables of this version, and their indexes; in a transaction, once. Nothing has their names by then.
    /// Write it as an `async fn`, and [`project`](Self::project) too.
    fn create(
        &self,
        connection: &mut C,
        tables: &ReadModelTables,
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// Takes events in, in the order of their positions, those of a stream without a gap.
    ///
    /// As many come at once as are waiting, because what costs time is each statement: best fold them in memory first, and
    /// tell the database what comes of it in one statement, with all rows in one parameter.
    ///
    /// All it does to the connection is undone if it fails or panics, if the process ends, or if another has taken over
    /// the work; then the same events come again. It must not end the transaction; savepoints are free. What it does
    /// elsewhere is not undone.
    fn project(
        &self,
        connection: &mut C,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;
}
