//! A gateway with a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use seriatim::core::Store;
use seriatim::prelude::*;
use seriatim::security::Access;
use seriatim::{Live, LiveBuilder, LiveSettings, axum, open_store};

use crate::club::{Club, Do};

pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) live: Live,
    pub(crate) address: SocketAddr,
}

/// Limits that no test meets by accident.
pub(crate) fn generous() -> LiveSettings {
    LiveSettings {
        sends_per_second: 10_000,
        frames_per_second: 10_000,
        queue: 10_000,
        ..LiveSettings::default()
    }
}

impl Server {
    pub(crate) async fn memory() -> Self {
        Self::at("memory:").await
    }

    pub(crate) async fn at(url: &str) -> Self {
        Self::on(open_store(url).await.unwrap()).await
    }

    pub(crate) async fn on(store: Arc<dyn Store>) -> Self {
        Self::with(store, generous()).await
    }

    pub(crate) async fn with(store: Arc<dyn Store>, settings: LiveSettings) -> Self {
        let app = App::on(store).aggregate::<Club>().start().await.unwrap();
        Self::of(app, |live| live.room::<Club>().settings(settings)).await
    }

    /// Starts a gateway that asks who its users are.
    pub(crate) async fn asking(store: Arc<dyn Store>, access: Access) -> Self {
        let app = App::on(store);
        let app = app
            .aggregate::<Club>()
            .access(access)
            .start()
            .await
            .unwrap();
        Self::of(app, |live| live.room::<Club>().settings(generous())).await
    }

    pub(crate) async fn of(app: App, rooms: impl FnOnce(LiveBuilder) -> LiveBuilder) -> Self {
        let live = app.live(rooms).await.unwrap();
        let router = axum::Router::new().nest("/live", live.router());
        let address = app.serve_pages("127.0.0.1:0", router).await.unwrap();
        Self { app, live, address }
    }

    /// Founds a club by `ann`, and lets others in. Returns its root.
    pub(crate) async fn club(&self, others: &[&str]) -> Uuid {
        let root = Uuid::now_v7();
        self.found(root, others).await;
        root
    }

    pub(crate) async fn found(&self, root: Uuid, others: &[&str]) {
        self.act(root, Do::Found { by: "ann".into() }).await;
        for user in others {
            let (by, user) = ("ann".into(), (*user).into());
            self.act(root, Do::Invite { by, user }).await;
        }
    }

    /// Sends a command in process. Returns the sequence of its last event.
    pub(crate) async fn act(&self, root: Uuid, command: Do) -> u32 {
        let receipt = self.app.of::<Club>(root).send(command).await.unwrap();
        receipt.sequences().unwrap().1.0
    }

    pub(crate) async fn post(&self, root: Uuid, text: &str) -> u32 {
        let (by, text) = ("ann".into(), text.into());
        self.act(root, Do::Post { by, text }).await
    }

    pub(crate) async fn post_many(&self, root: Uuid, count: usize) -> u32 {
        let (by, text) = ("ann".into(), "one of many".into());
        self.act(root, Do::PostMany { by, text, count }).await
    }

    /// Waits until nobody is connected and no stream is followed.
    pub(crate) async fn is_deserted(&self) {
        seriatim_testkit::until("nobody is left", async || {
            self.live.connections() == 0 && self.live.streams() == 0
        })
        .await;
    }

    pub(crate) async fn shutdown(self) {
        self.app.shutdown().await.unwrap();
    }
}

pub(crate) fn club(root: Uuid) -> String {
    format!("club/{root}")
}
