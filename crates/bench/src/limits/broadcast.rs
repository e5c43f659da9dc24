//! The least a chat can be: axum, sending each frame that comes to everybody in the room, and keeping nothing.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::routing::get;
use futures::{SinkExt as _, StreamExt as _};
use seriatim_bench::Outcome;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

/// The frames that may wait for one client.
const QUEUE: usize = 1024;

type Rooms = Arc<Vec<broadcast::Sender<Utf8Bytes>>>;

/// Serves `/ROOM` for so many rooms until the process ends. Calls `ready` with the address.
pub(crate) async fn serve(rooms: usize, ready: impl FnOnce(String)) -> Outcome<()> {
    let rooms: Rooms = Arc::new((0..rooms).map(|_| broadcast::channel(QUEUE).0).collect());
    let enter =
        async |Path(room): Path<usize>, State(rooms): State<Rooms>, up: WebSocketUpgrade| {
            up.on_upgrade(move |socket| converse(socket, rooms, room))
        };
    let router = Router::new().route("/{room}", get(enter)).with_state(rooms);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    ready(listener.local_addr()?.to_string());
    Ok(axum::serve(listener, router).await?)
}

async fn converse(socket: WebSocket, rooms: Rooms, room: usize) {
    let (mut sink, mut source) = socket.split();
    let mut said = rooms[room].subscribe();
    loop {
        tokio::select! {
            came = source.next() => match came {
                // It fails only if nobody listens.
                Some(Ok(Message::Text(text))) => drop(rooms[room].send(text)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            frame = said.recv() => {
                let Ok(frame) = frame else { return };
                if sink.send(Message::Text(frame)).await.is_err() {
                    return;
                }
            }
        }
    }
}
