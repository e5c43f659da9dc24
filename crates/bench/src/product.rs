//! The product as an application has it: a coordinator on a SQLite file.

use std::path::Path;
use std::sync::Arc;

use seriatim_coordinator::{Coordinator, Settings};
use seriatim_core::{
    Aggregate, At, CommandGateway, CommandRequest, Domain, Message, Outcome as Became, StreamId,
};
use seriatim_store_sqlite::SqliteStore;
use uuid::Uuid;

use crate::Outcome;
use crate::domain::{Archive, Ledger, enter};

/// A coordinator with default settings, on a file of its own.
pub(crate) struct Product {
    coordinator: Coordinator,
}

impl Product {
    pub(crate) async fn open(folder: &Path) -> Outcome<Self> {
        let store = SqliteStore::open(&folder.join("product.db").to_string_lossy()).await?;
        let coordinator = Coordinator::builder(Arc::new(store))
            .aggregate::<Ledger>()
            .aggregate::<Archive>()
            .start()?;
        Ok(Self { coordinator })
    }

    /// Sends commands to streams of `A`.
    pub(crate) fn submitter<A: Aggregate>(&self) -> Submitter {
        Submitter {
            coordinator: self.coordinator.clone(),
            domain: Domain::new(A::DOMAIN).expect("a constant that is one"),
        }
    }

    /// Builds the state of a stream from the store.
    pub(crate) async fn fold<A: Aggregate>(&self, root: Uuid) -> Outcome<()> {
        let stream = StreamId::new(Domain::new(A::DOMAIN)?, root);
        std::hint::black_box(self.coordinator.state(&stream, At::Current).await?);
        Ok(())
    }

    pub(crate) async fn close(self) {
        self.coordinator.shutdown().await;
    }
}

/// How many aggregates the coordinator keeps in memory.
pub(crate) fn cached_aggregates() -> u64 {
    Settings::default().cached_aggregates
}

/// Sends commands to the streams of one domain.
#[derive(Clone)]
pub(crate) struct Submitter {
    coordinator: Coordinator,
    domain: Domain,
}

impl Submitter {
    /// Sends one command and makes sure that it became an event.
    pub(crate) fn enter(&self, root: Uuid) -> impl Future<Output = Outcome<()>> + Send + use<> {
        let coordinator = self.coordinator.clone();
        let stream = StreamId::new(self.domain.clone(), root);
        async move {
            let request = CommandRequest::new(stream, enter().encode()?);
            let receipt = coordinator.submit(request).await?;
            match receipt.outcome {
                Became::Committed(_) => Ok(()),
                other => Err(format!("a command became {other:?}").into()),
            }
        }
    }
}
