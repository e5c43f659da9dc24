//! Serves one connection from its first frame to its last.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures::StreamExt as _;
use futures::stream::{self, SplitStream};
use seriatim_security::{Credentials, Following, Rate};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::connections::Open;
use crate::ended::Ended;
use crate::frames::{ClientFrame, Hello, PROTOCOL, ServerFrame, WelcomeLimits, WhyLeft};
use crate::gateway::Gateway;
use crate::hello::{self, Known};
use crate::meter;
use crate::outbox::{Inbox, outbox};
use crate::sending::Sending;
use crate::session::Session;
use crate::writer::Writer;

/// The time whose frames of any kind may come at once.
const BURST: Duration = Duration::from_secs(10);
/// The heartbeats without a sign of life after which a connection ends.
const HEARTBEATS: u32 = 3;
/// The pushed frames that are written together.
const TOGETHER: usize = 64;
/// The time that a client has to close its side.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a connection until it ends. `shown` is what the request for it has shown.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    socket: WebSocket,
    shown: Credentials,
    mut open: Open,
) {
    let (sink, source) = socket.split();
    let mut reader = Reader {
        source,
        most: gateway.settings.frame_bytes,
    };
    let mut writer = Writer::new(sink, gateway.settings.write_within);
    let mut closing = gateway.closing.clone();
    let ended = tokio::select! {
        ended = run(gateway, &mut reader, &mut writer, shown, &mut open) => ended.unwrap_or_else(|ended| ended),
        // Whatever it waits for: the store, or a client that reads nothing.
        () = told_to_end(&mut closing) => restarting(),
    };
    meter::ended(&ended);
    writer.close(&ended).await;
    // Whoever closes the line before the client has read the reason takes it from the client.
    let _ = timeout(FAREWELL, async {
        while reader.source.next().await.is_some() {}
    })
    .await;
}

struct Reader {
    source: SplitStream<WebSocket>,
    most: usize,
}

/// Something that came from a client.
enum Came {
    Frame(ClientFrame),
    /// A sign of life.
    Sign,
}

impl Reader {
    /// # Cancel safety
    /// Dropping the future loses nothing.
    async fn next(&mut self) -> Result<Came, Ended> {
        let message = self.source.next().await;
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(Came::Sign),
            Some(Ok(Message::Binary(_))) => {
                return Err(Ended::protocol("send text frames, with JSON"));
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Ended::Gone),
        };
        meter::read();
        if text.len() > self.most {
            let reason = format!("a frame has at most {} bytes", self.most);
            return Err(Ended::with(Ended::TOO_LARGE, reason));
        }
        match serde_json::from_str(&text) {
            Ok(frame) => Ok(Came::Frame(frame)),
            Err(error) => Err(Ended::protocol(format!("not a frame: {error}"))),
        }
    }
}

/// Never returns `Ok`: the type lets `?` end it.
async fn run(
    gateway: Arc<Gateway>,
    reader: &mut Reader,
    writer: &mut Writer,
    shown: Credentials,
    open: &mut Open,
) -> Result<Ended, Ended> {
    let others = || Ended::with(Ended::TRY_LATER, "others wait for your place");
    let known = tokio::select! {
        known = greet(&gateway, reader, shown) => known?,
        () = open.loses_its_place() => return Err(others()),
    };
    if !open.is_known_now() {
        return Err(others());
    }
    let counted = gateway
        .users
        .connect(&known.user, &known.principal, &gateway.settings);
    let counted =
        counted.map_err(|_| Ended::with(Ended::TOO_MUCH, "too many connections of this user"))?;
    let (outbox, inbox) = outbox(gateway.settings.queue);
    let session = Session {
        user: known.user,
        principal: known.principal.clone(),
        counted,
        outbox,
        joined: HashMap::new(),
        tickets: HashMap::new(),
        gateway,
    };
    writer.send(welcome(&session)).await?;
    let following = session.gateway.access.follow(known.shown, known.principal);
    converse(session, reader, writer, inbox, following).await
}

async fn greet(gateway: &Gateway, reader: &mut Reader, shown: Credentials) -> Result<Known, Ended> {
    let hello = timeout(gateway.settings.hello_within, first(reader)).await;
    let hello = hello.map_err(|_| Ended::with(Ended::SILENT, "no `hello` came in time"))??;
    hello::identify(gateway, hello, shown).await
}

async fn first(reader: &mut Reader) -> Result<Hello, Ended> {
    loop {
        match reader.next().await? {
            Came::Frame(ClientFrame::Hello(hello)) => return Ok(hello),
            Came::Frame(_) => return Err(Ended::protocol("the first frame must be `hello`")),
            Came::Sign => {}
        }
    }
}

fn welcome(session: &Session) -> axum::extract::ws::Utf8Bytes {
    let settings = &session.gateway.settings;
    ServerFrame::Welcome {
        protocol: PROTOCOL,
        user: &session.user,
        epoch: &session.gateway.log().id().to_string(),
        heartbeat_ms: settings.heartbeat.as_millis(),
        limits: WelcomeLimits {
            frame_bytes: settings.frame_bytes,
            streams: settings.streams,
            page: settings.page,
        },
    }
    .encode()
}

async fn told_to_end(closing: &mut watch::Receiver<bool>) {
    // An error means that the gateway was dropped.
    let _ = closing.wait_for(|closing| *closing).await;
}

fn restarting() -> Ended {
    Ended::with(Ended::RESTARTING, "the server ends; connect again")
}

async fn converse(
    mut session: Session,
    reader: &mut Reader,
    writer: &mut Writer,
    mut inbox: Inbox,
    following: Following,
) -> Result<Ended, Ended> {
    let settings = session.gateway.settings.clone();
    let asks = session.gateway.access.asks();
    let rate = settings.frames_per_second;
    let mut frames = Rate::new(rate, BURST);
    let mut beats = interval(settings.heartbeat);
    // The first one is due at once.
    beats.reset();
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Kept from turn to turn: a wait in it must not begin anew whenever something else happens.
    let mut changes = pin!(stream::unfold(following, async |mut following| {
        Some((following.next().await, following))
    }));
    // Beats, not time: while the server is busy with this connection, it does not listen.
    let (mut sending, mut silent_beats) = (Sending::default(), 0);
    loop {
        tokio::select! {
            came = reader.next() => {
                silent_beats = 0;
                if frames.pass(Instant::now()).is_err() {
                    return Err(Ended::with(Ended::TOO_MUCH, "far too many frames"));
                }
                if let Came::Frame(frame) = came? {
                    handle(frame, &mut session, &mut sending, writer).await?;
                }
            }
            push = inbox.next() => {
                session.pushed(push.map_err(|_| Ended::slow())?, writer).await?;
                for _ in 1..TOGETHER {
                    let Some(push) = inbox.ready() else { break };
                    session.pushed(push, writer).await?;
                }
                writer.flush().await?;
                inbox.check().map_err(|_| Ended::slow())?;
            }
            answer = sending.next(&session), if sending.is_busy() => {
                if let Some(answer) = answer {
                    writer.send(answer).await?;
                }
            }
            Some(principal) = changes.next(), if asks => {
                session.become_now(principal?, writer).await?;
            }
            _ = beats.tick() => {
                if silent_beats > HEARTBEATS {
                    return Err(Ended::with(Ended::SILENT, "nothing came for too long"));
                }
                silent_beats += 1;
                writer.ping().await?;
            }
        }
    }
}

async fn handle(
    frame: ClientFrame,
    session: &mut Session,
    sending: &mut Sending,
    writer: &mut Writer,
) -> Result<(), Ended> {
    match frame {
        ClientFrame::Hello(_) => Err(Ended::protocol("`hello` was said already")),
        ClientFrame::Join(join) => session.join(join, writer).await,
        ClientFrame::Leave { stream } => session.leave(&stream.0, WhyLeft::Asked, writer).await,
        ClientFrame::Read(read) => session.read(read, writer).await,
        ClientFrame::Send(send) => match sending.take(send, session) {
            Some(refused) => writer.send(refused).await,
            None => Ok(()),
        },
        ClientFrame::Signal(signal) => session.signal(&signal),
        ClientFrame::Ping => writer.send(session.pong()).await,
    }
}
