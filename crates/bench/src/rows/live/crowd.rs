//! Many clients in rooms, of which some say something at a steady rate, and what each of them hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use seriatim_bench::Outcome;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Marks the time in a frame.
const MARK: &str = "sent-at-";
/// The digits of the time, in microseconds since the crowd began.
const DIGITS: usize = 12;
/// The time within which everybody must have heard everything.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the clients of a server say.
pub(crate) trait Manners: Send + Sync + 'static {
    /// The path of a room.
    fn path(&self, room: usize) -> String;
    /// The frames with which a client begins, and how many frames answer them.
    fn begin(&self, client: usize, room: usize) -> (Vec<String>, usize);
    /// The frame that says a text.
    fn say(&self, number: usize, room: usize, text: &str) -> String;
}

/// The clients, connected.
pub(crate) struct Crowd<M> {
    manners: Arc<M>,
    rooms: usize,
    begun: Instant,
    sinks: Vec<Arc<Mutex<Sink>>>,
    heard: mpsc::UnboundedReceiver<f64>,
    count: Arc<AtomicUsize>,
    listeners: JoinSet<()>,
}

type Sink = SplitSink<WebSocketStream<TcpStream>, Message>;

impl<M: Manners> Crowd<M> {
    /// Connects so many clients, spread over the rooms, one after another.
    pub(crate) async fn gather(
        address: &str,
        manners: M,
        clients: usize,
        rooms: usize,
    ) -> Outcome<Self> {
        let (tell, heard) = mpsc::unbounded_channel();
        let mut crowd = Self {
            manners: Arc::new(manners),
            rooms,
            begun: Instant::now(),
            sinks: Vec::with_capacity(clients),
            heard,
            count: Arc::default(),
            listeners: JoinSet::new(),
        };
        for client in 0..clients {
            let room = client % rooms;
            let url = format!("ws://{address}{}", crowd.manners.path(room));
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (socket, _) = client_async(url, stream).await?;
            let (mut sink, mut source) = socket.split();
            let (frames, answers) = crowd.manners.begin(client, room);
            for frame in frames {
                sink.send(Message::text(frame)).await?;
            }
            for _ in 0..answers {
                answer(&mut source).await?;
            }
            crowd.sinks.push(Arc::new(Mutex::new(sink)));
            let (tell, count, begun) = (tell.clone(), Arc::clone(&crowd.count), crowd.begun);
            crowd.listeners.spawn(async move {
                while let Some(Ok(message)) = source.next().await {
                    let now = begun.elapsed().as_micros() as f64;
                    let Message::Text(text) = message else {
                        continue;
                    };
                    for sent in times(&text) {
                        count.fetch_add(1, Relaxed);
                        // The crowd may be gone.
                        let _ = tell.send((now - sent) / 1000.0);
                    }
                }
            });
        }
        Ok(crowd)
    }

    /// Says so many texts a second for a while, each in the next room. Returns after how many milliseconds each member
    /// of a room has heard each of them.
    pub(crate) async fn talk(&mut self, per_second: usize, time: Duration) -> Outcome<Vec<f64>> {
        let total = per_second * usize::try_from(time.as_millis())? / 1000;
        let every = Duration::from_secs(1) / u32::try_from(per_second)?;
        let mut clock = interval(every);
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let before = self.count.load(Relaxed);
        for number in 0..total {
            clock.tick().await;
            let client = number % self.sinks.len();
            let room = client % self.rooms;
            let at = self.begun.elapsed().as_micros();
            let text = format!(
                "{MARK}{at:0DIGITS$} {}",
                "and some more words, as people say them"
            );
            let frame = self.manners.say(number, room, &text);
            let mut sink = self.sinks[client].lock().await;
            sink.send(Message::text(frame)).await?;
        }
        let expected = total * self.sinks.len() / self.rooms;
        let wait = async {
            while self.count.load(Relaxed) - before < expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, wait).await.map_err(|_| {
            let heard = self.count.load(Relaxed) - before;
            format!("{heard} of {expected} texts were heard")
        })?;
        let mut lags = Vec::with_capacity(expected);
        while let Ok(lag) = self.heard.try_recv() {
            lags.push(lag);
        }
        Ok(lags)
    }
}

/// Waits for a frame.
async fn answer(source: &mut SplitStream<WebSocketStream<TcpStream>>) -> Outcome<()> {
    loop {
        match timeout(PATIENCE, source.next()).await? {
            Some(Ok(Message::Text(_))) => return Ok(()),
            Some(Ok(Message::Ping(_))) => {}
            other => return Err(format!("a client was answered by {other:?}").into()),
        }
    }
}

/// Returns the times in a frame. A text comes back in no other frame than those that tell it.
fn times(text: &str) -> impl Iterator<Item = f64> {
    text.match_indices(MARK).filter_map(|(at, _)| {
        let digits = at + MARK.len()..at + MARK.len() + DIGITS;
        text.get(digits)?.parse().ok()
    })
}
