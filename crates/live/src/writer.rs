//! Writes frames to one connection.

use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures::SinkExt as _;
use futures::stream::SplitSink;
use tokio::time::timeout;

use crate::ended::Ended;
use crate::meter;

/// The writing half of a connection.
pub(crate) struct Writer {
    sink: SplitSink<WebSocket, Message>,
    within: Duration,
}

impl Writer {
    pub(crate) fn new(sink: SplitSink<WebSocket, Message>, within: Duration) -> Self {
        Self { sink, within }
    }

    /// Writes a frame, and those that were added before it.
    pub(crate) async fn send(&mut self, frame: Utf8Bytes) -> Result<(), Ended> {
        self.add(frame).await?;
        self.flush().await
    }

    /// Adds a frame, which is written with the next flush at the latest.
    pub(crate) async fn add(&mut self, frame: Utf8Bytes) -> Result<(), Ended> {
        meter::written();
        self.message(Message::Text(frame)).await
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Ended> {
        ended(&timeout(self.within, self.sink.flush()).await)
    }

    /// Asks the client for a sign of life.
    pub(crate) async fn ping(&mut self) -> Result<(), Ended> {
        self.message(Message::Ping(Vec::new().into())).await?;
        self.flush().await
    }

    async fn message(&mut self, message: Message) -> Result<(), Ended> {
        ended(&timeout(self.within, self.sink.feed(message)).await)
    }

    /// Tells the client why it ends. It is no matter if the client does not hear it.
    pub(crate) async fn close(mut self, ended: &Ended) {
        if let Some(frame) = ended.frame() {
            let close = self.sink.send(Message::Close(Some(frame)));
            let _ = timeout(Duration::from_secs(1), close).await;
        }
    }
}

fn ended<E, T>(written: &Result<Result<(), E>, T>) -> Result<(), Ended> {
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Ended::Gone),
        Err(_) => Err(Ended::slow()),
    }
}
