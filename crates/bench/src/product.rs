//! The product as an application has it: aggregates on a SQLite file, with default settings.

use std::path::Path;

use seriatim::AppBuilder;
use seriatim::core::{CommandGateway, CommandRequest, Domain, ExpectedSequence, Message, StreamId};
use seriatim::prelude::{Aggregate, App, At, Uuid};

use crate::Outcome;
use crate::domain::{Archive, Ledger, enter};

/// An application on a file of its own.
pub(crate) struct Product {
    app: App,
}

impl Product {
    pub(crate) async fn open(folder: &Path) -> Outcome<Self> {
        Ok(Self {
            app: builder(folder).await?.start().await?,
        })
    }

    /// Sends commands to streams of `A`.
    pub(crate) fn submitter<A: Aggregate>(&self) -> Submitter {
        Submitter {
            app: self.app.clone(),
            domain: Domain::of::<A>(),
        }
    }

    /// Builds the state of a stream from the store.
    pub(crate) async fn fold<A: Aggregate>(&self, root: Uuid) -> Outcome<()> {
        std::hint::black_box(self.app.state::<A>(root, At::Current).await?);
        Ok(())
    }

    pub(crate) async fn close(self) -> Outcome<()> {
        Ok(self.app.shutdown().await?)
    }
}

/// The application, for a start with or without a door.
pub(crate) async fn builder(folder: &Path) -> Outcome<AppBuilder> {
    let url = format!("sqlite://{}", folder.join("product.db").display());
    Ok(App::open(&url)
        .await?
        .aggregate::<Ledger>()
        .aggregate::<Archive>())
}

/// How many aggregates of a domain are kept in memory.
pub(crate) fn cached_aggregates() -> u64 {
    seriatim::Settings::default().cached_aggregates
}

/// The command of every measurement, for a stream of `domain`, and what its sender believes of that.
pub(crate) fn request(
    domain: &Domain,
    root: Uuid,
    expected: ExpectedSequence,
) -> Outcome<CommandRequest> {
    let stream = StreamId::new(domain.clone(), root);
    Ok(CommandRequest {
        expected,
        ..CommandRequest::new(stream, enter().encode()?)
    })
}

/// Sends commands to the streams of one domain.
#[derive(Clone)]
pub(crate) struct Submitter {
    app: App,
    domain: Domain,
}

impl Submitter {
    /// Sends one command to a stream that may have events.
    pub(crate) fn enter(&self, root: Uuid) -> impl Future<Output = Outcome<()>> + Send + use<> {
        self.send(root, ExpectedSequence::Any)
    }

    /// Sends one command and makes sure that it became an event.
    pub(crate) fn send(
        &self,
        root: Uuid,
        expected: ExpectedSequence,
    ) -> impl Future<Output = Outcome<()>> + Send + use<> {
        let coordinator = self.app.coordinator().clone();
        let request = request(&self.domain, root, expected);
        async move {
            let receipt = coordinator.submit(request?).await?;
            match receipt.outcome {
                seriatim::core::Outcome::Committed(_) => Ok(()),
                other => Err(format!("a command became {other:?}").into()),
            }
        }
    }
}
