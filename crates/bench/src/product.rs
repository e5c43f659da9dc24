//! The product as an application has it: aggregates on a store, with default settings.

use std::sync::Arc;

use seriatim::AppBuilder;
use seriatim::core::{
    CommandGateway, CommandRequest, Domain, ExpectedSequence, Message, Receipt, Store, StreamId,
};
use seriatim::prelude::{Aggregate, App, Uuid};

use crate::Outcome;
use crate::domain::{Archive, Ledger, enter};

/// An application on a database of its own.
#[derive(Clone, Debug)]
pub struct Product {
    app: App,
}

impl Product {
    /// Opens the store that `url` names.
    pub async fn open(url: &str) -> Outcome<Self> {
        Self::open_with(url, seriatim::Settings::default()).await
    }

    /// The same with other settings.
    pub async fn open_with(url: &str, settings: seriatim::Settings) -> Outcome<Self> {
        Ok(Self {
            app: builder(url).await?.settings(settings).start().await?,
        })
    }

    /// Sends commands to streams of `A`.
    pub fn submitter<A: Aggregate>(&self) -> Submitter {
        Submitter::of::<A>(&self.app)
    }

    /// Builds the state of a stream from the store.
    pub async fn fold<A: Aggregate>(&self, root: Uuid) -> Outcome<()> {
        std::hint::black_box(self.app.of::<A>(root).state().await?);
        Ok(())
    }

    /// The store below it.
    pub fn store(&self) -> &Arc<dyn Store> {
        self.app.coordinator().store()
    }

    /// Finishes what it was given.
    pub async fn close(self) {
        self.app.coordinator().shutdown().await;
    }
}

/// The application, for a start with or without a door.
pub async fn builder(url: &str) -> Outcome<AppBuilder> {
    Ok(App::open(url)
        .await?
        .aggregate::<Ledger>()
        .aggregate::<Archive>())
}

/// The command of every measurement, for a stream of `domain`, and what its sender believes of that.
pub fn request(domain: &Domain, root: Uuid, expected: ExpectedSequence) -> Outcome<CommandRequest> {
    let stream = StreamId::new(domain.clone(), root);
    Ok(CommandRequest {
        expected,
        ..CommandRequest::new(stream, enter().encode()?)
    })
}

/// Sends commands to the streams of one domain.
#[derive(Clone, Debug)]
pub struct Submitter {
    app: App,
    domain: Domain,
}

impl Submitter {
    /// Sends commands to streams of `A`.
    pub fn of<A: Aggregate>(app: &App) -> Self {
        Self {
            app: app.clone(),
            domain: Domain::of::<A>(),
        }
    }

    /// Sends one command to a stream that may have events.
    pub fn enter(&self, root: Uuid) -> impl Future<Output = Outcome<()>> + Send + use<> {
        self.send(root, ExpectedSequence::Any)
    }

    /// Sends one command as a value, to a ledger that has no events.
    pub fn typed(&self, root: Uuid) -> impl Future<Output = Outcome<()>> + Send + use<> {
        let app = self.app.clone();
        async move {
            let sent = app.of::<Ledger>(root).send(enter());
            committed(sent.expecting(ExpectedSequence::NoStream).await?)
        }
    }

    /// Sends one command and makes sure that it became an event.
    pub fn send(
        &self,
        root: Uuid,
        expected: ExpectedSequence,
    ) -> impl Future<Output = Outcome<()>> + Send + use<> {
        let coordinator = self.app.coordinator().clone();
        let request = request(&self.domain, root, expected);
        async move { committed(coordinator.submit(request?).await?) }
    }
}

fn committed(receipt: Receipt) -> Outcome<()> {
    match receipt.outcome {
        seriatim::core::Outcome::Committed(_) => Ok(()),
        other => Err(format!("a command became {other:?}").into()),
    }
}
