//! A network between a store and its server that counts, and that loses what it is told to lose.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A fault that the next request meets.
#[derive(Clone)]
pub enum Fault {
    /// The server never sees it.
    LoseRequest,
    /// The server does it, and the client never learns.
    LoseAnswer,
    /// The client loses the connection; the server gets the request when the first is rung, and its answer rings
    /// the second.
    Delay(Arc<Notify>, Arc<Notify>),
    /// The server does it; the client loses the connection and can make no other before this is rung.
    LoseAnswerAndHold(Arc<Notify>),
}

#[derive(Default)]
struct State {
    round_trips: AtomicUsize,
    /// The fault, and the number of requests that pass before it.
    fault: Mutex<Option<(usize, Fault)>>,
    /// Connections wait for this before they are passed on.
    hold: Mutex<Option<Arc<Notify>>>,
}

/// Listens on a port of its own.
pub struct Proxy {
    url: String,
    state: Arc<State>,
}

impl Proxy {
    /// `url` names the server by an address and a port.
    pub async fn before(url: &str) -> Self {
        Self::on("127.0.0.1:0", url).await
    }

    /// The same on this address of its own.
    pub async fn on(own: &str, url: &str) -> Self {
        let (before, rest) = url.split_once('@').unwrap();
        let (address, after) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind(own).await.unwrap();
        let own = listener.local_addr().unwrap();
        let sign = if after.contains('?') { '&' } else { '?' };
        let state = Arc::new(State::default());
        tokio::spawn(listen(listener, address.to_owned(), state.clone()));
        Self {
            url: format!("{before}@{own}/{after}{sign}sslmode=disable"),
            state,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns how often a client has waited for an answer since the last call.
    pub fn take_round_trips(&self) -> usize {
        self.state.round_trips.swap(0, Ordering::SeqCst)
    }

    /// The next request meets this.
    pub fn inject(&self, fault: Fault) {
        self.inject_after(0, fault);
    }

    /// The one after so many more meets this.
    pub fn inject_after(&self, requests: usize, fault: Fault) {
        *self.state.fault.lock().unwrap() = Some((requests, fault));
    }
}

impl State {
    fn fault_of_a_request(&self) -> Option<Fault> {
        let mut next = self.fault.lock().unwrap();
        match next.take() {
            Some((0, fault)) => Some(fault),
            later => {
                *next = later.map(|(requests, fault)| (requests - 1, fault));
                None
            }
        }
    }
}

async fn listen(listener: TcpListener, server: String, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let (state, server) = (state.clone(), server.clone());
        tokio::spawn(async move {
            let hold = state.hold.lock().unwrap().clone();
            if let Some(hold) = hold {
                hold.notified().await;
                hold.notify_one();
            }
            if let Ok(server) = TcpStream::connect(server).await {
                let _ = carry(client, server, state).await;
            }
        });
    }
}

async fn carry(client: TcpStream, server: TcpStream, state: Arc<State>) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut started = false;
    loop {
        // One request, up to where the client waits, and then its answer.
        let request = request(&mut from_client, &mut started).await?;
        let fault = match request.awaits_answer {
            true => {
                state.round_trips.fetch_add(1, Ordering::SeqCst);
                state.fault_of_a_request()
            }
            false => None,
        };
        match fault {
            None => {
                to_server.write_all(&request.bytes).await?;
                answer(
                    &mut from_server,
                    Some(&mut to_client),
                    request.awaits_answer,
                )
                .await?;
            }
            Some(Fault::LoseRequest) => return Ok(()),
            Some(Fault::LoseAnswer) => {
                to_server.write_all(&request.bytes).await?;
                return answer(&mut from_server, None, true).await;
            }
            Some(Fault::LoseAnswerAndHold(release)) => {
                *state.hold.lock().unwrap() = Some(release);
                to_server.write_all(&request.bytes).await?;
                return answer(&mut from_server, None, true).await;
            }
            Some(Fault::Delay(release, done)) => {
                drop((from_client, to_client));
                release.notified().await;
                // Whoever waits for it on the other side may have given up.
                let sent = to_server.write_all(&request.bytes).await;
                let answered = answer(&mut from_server, None, true).await;
                done.notify_one();
                return sent.and(answered);
            }
        }
    }
}

struct Request {
    bytes: Vec<u8>,
    /// A query, and not a step of the greeting; nor a message to other processes, for which nobody waits.
    awaits_answer: bool,
}

/// Messages up to a Query or a Sync; the greeting's one by one.
async fn request(client: &mut OwnedReadHalf, started: &mut bool) -> std::io::Result<Request> {
    let mut bytes = Vec::new();
    loop {
        // The first message of a connection has no letter.
        let letter = match *started {
            true => Some(client.read_u8().await?),
            false => None,
        };
        *started = true;
        let length = client.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await?;
        bytes.extend(letter);
        bytes.extend(length.to_be_bytes());
        bytes.extend(body);
        match letter {
            Some(b'Q' | b'S') => {
                let is_message = bytes.windows(9).any(|text| text == b"pg_notify");
                return Ok(Request {
                    bytes,
                    awaits_answer: !is_message,
                });
            }
            None | Some(b'p' | b'X') => {
                return Ok(Request {
                    bytes,
                    awaits_answer: false,
                });
            }
            Some(_) => {}
        }
    }
}

/// Up to where the server waits: after an answer, or when it asks for a password.
async fn answer(
    server: &mut OwnedReadHalf,
    mut client: Option<&mut OwnedWriteHalf>,
    whole: bool,
) -> std::io::Result<()> {
    loop {
        let letter = server.read_u8().await?;
        let length = server.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        server.read_exact(&mut body).await?;
        if let Some(client) = &mut client {
            let mut bytes = vec![letter];
            bytes.extend(length.to_be_bytes());
            bytes.extend(&body);
            client.write_all(&bytes).await?;
        }
        // 0: it is satisfied, and goes on speaking.
        let asks = letter == b'R' && body[..4] != [0; 4];
        if letter == b'Z' || (!whole && asks) {
            return Ok(());
        }
    }
}
