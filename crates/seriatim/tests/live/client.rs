//! A client of the protocol, which hides nothing: each frame is JSON.

use std::net::SocketAddr;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use seriatim_testkit::soon;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::server::{Server, club};
use crate::transcript::Transcript;
use seriatim::prelude::Uuid;

/// A line to a server, encrypted or not.
pub(crate) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<L: AsyncRead + AsyncWrite + Send + Unpin> Line for L {}

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<Box<dyn Line>>,
    /// What `welcome` said, once it was said.
    pub(crate) welcome: Value,
    refs: u64,
    /// Shows who is present; tests of anything else leave it out.
    pub(crate) shows_presence: bool,
}

impl Client {
    /// Opens a connection, and says nothing yet.
    pub(crate) async fn silent(address: SocketAddr) -> Self {
        Self::with_headers(address, &[]).await.unwrap()
    }

    pub(crate) async fn with_headers(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let line = TcpStream::connect(address).await.unwrap();
        Self::over(Box::new(line), &format!("ws://{address}/live"), headers).await
    }

    pub(crate) async fn over(
        line: Box<dyn Line>,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let (socket, _) = soon(client_async(request, line)).await?;
        Ok(Self {
            socket,
            welcome: Value::Null,
            refs: 0,
            shows_presence: false,
        })
    }

    /// Connects as a user, and waits for the welcome.
    pub(crate) async fn connect(server: &Server, user: &str) -> Self {
        let mut client = Self::silent(server.address).await;
        client.hello(json!({"user": user})).await;
        client
    }

    /// Says hello with these fields, and waits for the welcome.
    pub(crate) async fn hello(&mut self, fields: Value) {
        self.say_hello(fields).await;
        self.welcome = self.next().await;
        assert_eq!(self.welcome["type"], "welcome", "{}", self.welcome);
    }

    pub(crate) async fn say_hello(&mut self, mut fields: Value) {
        fields["type"] = "hello".into();
        fields["protocol"] = 1.into();
        self.send(fields).await;
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.text(frame.to_string()).await;
    }

    pub(crate) async fn text(&mut self, text: impl Into<Utf8Bytes>) {
        self.message(Message::Text(text.into())).await.unwrap();
    }

    pub(crate) async fn message(&mut self, message: Message) -> Result<(), Error> {
        soon(self.socket.send(message)).await
    }

    /// Returns the next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.next_or_end().await {
            Ok(frame) => frame,
            Err(end) => panic!("the connection has ended: {end:?}"),
        }
    }

    async fn next_or_end(&mut self) -> Result<Value, Option<CloseFrame>> {
        // Pings and presence, which go on for ever, do not make it wait longer.
        soon(async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let frame: Value = serde_json::from_str(&text).unwrap();
                        if self.shows_presence || frame["type"] != "present" {
                            return Ok(frame);
                        }
                    }
                    Some(Ok(Message::Close(frame))) => return Err(frame),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(None),
                }
            }
        })
        .await
    }

    /// Returns the next frame, or the code with which the server ends it; no code if it was cut.
    pub(crate) async fn frame(&mut self) -> Result<Value, Option<u16>> {
        let frame = self.next_or_end().await;
        frame.map_err(|end| end.map(|end| end.code.into()))
    }

    /// Returns the code with which the server ends it; `None` if it was cut.
    pub(crate) async fn end(&mut self) -> Option<u16> {
        self.end_with_reason().await.map(|(code, _)| code)
    }

    pub(crate) async fn end_with_reason(&mut self) -> Option<(u16, String)> {
        loop {
            if let Err(frame) = self.next_or_end().await {
                return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
            }
        }
    }

    /// Returns the next frame of a type, and drops those before it.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    pub(crate) async fn ask_to_join(&mut self, root: Uuid, after: Option<&Value>) {
        let mut join = json!({"type": "join", "stream": club(root)});
        if let Some(after) = after {
            join["after"] = after.clone();
        }
        self.send(join).await;
    }

    /// Joins a club.
    pub(crate) async fn join(&mut self, root: Uuid) -> Transcript {
        self.ask_to_join(root, None).await;
        let joined = self.next().await;
        Transcript::of(&joined, &self.epoch())
    }

    /// Joins a club after a place.
    pub(crate) async fn resume(&mut self, root: Uuid, after: &Value) -> Value {
        self.ask_to_join(root, Some(after)).await;
        self.next().await
    }

    /// Follows a stream until it has got an event. Nothing else may come meanwhile.
    pub(crate) async fn follow(&mut self, transcript: &mut Transcript, last: u32) {
        while transcript.last() < Some(last) {
            let frame = self.next().await;
            transcript.add(&frame);
        }
        assert_eq!(transcript.last(), Some(last));
    }

    pub(crate) fn epoch(&self) -> String {
        self.welcome["epoch"].as_str().unwrap().to_owned()
    }

    /// Sends a command, and does not wait. Returns its `ref`.
    pub(crate) async fn submit(&mut self, root: Uuid, id: &str, command: Value) -> u64 {
        self.submit_with(root, id, command, json!({})).await
    }

    pub(crate) async fn submit_with(
        &mut self,
        root: Uuid,
        id: &str,
        command: Value,
        mut fields: Value,
    ) -> u64 {
        self.refs += 1;
        fields["type"] = "send".into();
        fields["ref"] = self.refs.into();
        fields["stream"] = club(root).into();
        fields["id"] = id.into();
        fields["command"] = command;
        self.send(fields).await;
        self.refs
    }

    /// Waits for the answer to a command, and drops what comes before it.
    pub(crate) async fn answer(&mut self, to: u64) -> Value {
        loop {
            let frame = self.next().await;
            if frame["ref"] == to {
                return frame;
            }
        }
    }

    /// Sends a command, and waits for the answer.
    pub(crate) async fn ask(&mut self, root: Uuid, id: &str, command: Value) -> Value {
        let sent = self.submit(root, id, command).await;
        self.answer(sent).await
    }

    pub(crate) async fn read(&mut self, root: Uuid, from: u32, through: u32) -> Value {
        self.refs += 1;
        let (stream, sent) = (club(root), self.refs);
        let read = json!({"type": "read", "ref": sent, "stream": stream, "from": from, "through": through});
        self.send(read).await;
        self.answer(sent).await
    }

    /// Returns whether a command was refused at once, though others wait.
    pub(crate) async fn is_refused_at_once(&mut self, sent: u64) -> bool {
        self.send(json!({"type": "ping"})).await;
        let mut is_refused = false;
        loop {
            let frame = self.next().await;
            is_refused |= frame["ref"] == sent && frame["type"] == "refused";
            if frame["type"] == "pong" {
                return is_refused;
            }
        }
    }

    /// Fails unless the connection is alive.
    pub(crate) async fn is_alive(&mut self) {
        self.send(json!({"type": "ping"})).await;
        self.until("pong").await;
    }
}
