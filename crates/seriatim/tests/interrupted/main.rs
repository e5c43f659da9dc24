//! Reactions are broken off at each point at which they wait for a store: it fails there, with or without having done what
//! it was asked for, or the process dies there. Nothing is lost, repeated or overtaken.

#[path = "../support/broken_off.rs"]
mod broken_off;
mod process_managers;
mod projectors;
mod sagas;
#[path = "../support/storage.rs"]
mod storage;
#[path = "../process_managers/told.rs"]
mod told;
#[path = "../process_managers/vigil.rs"]
mod vigil;

use std::sync::Arc;

use seriatim::AppBuilder;
use seriatim::core::Store;
use seriatim::prelude::*;

use vigil::{Job, Ledger};

/// An application that reacts to nothing.
fn plain(store: Arc<dyn Store>) -> AppBuilder {
    App::on(store).aggregate::<Job>().aggregate::<Ledger>()
}

/// Makes a test of a scenario on each kind of storage.
macro_rules! on_every_storage {
    ($scenario:ty, $points:expr, $times:expr, $sqlite:ident, $postgresql:ident) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $sqlite() {
            let storage = crate::storage::Storage::sqlite;
            crate::broken_off::break_off::<$scenario>(storage, $points, $times).await;
        }

        #[cfg(feature = "postgres")]
        #[tokio::test(flavor = "multi_thread")]
        async fn $postgresql() {
            let storage = crate::storage::Storage::postgresql;
            crate::broken_off::break_off::<$scenario>(storage, $points, $times).await;
        }
    };
}
pub(crate) use on_every_storage;
