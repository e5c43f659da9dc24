//! Accepts connections, limits their number, and serves each on a task of its own until it ends.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutWriter;

use crate::call::{self, Calls, Shared};
use crate::meter::{self, Refused};
use crate::taking::Tasks;

/// The bytes that every client of HTTP/2 sends first.
const GREETING: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The time after which a silent connection is asked whether it is still there. A connection that does not answer for
/// 20 s is closed.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// The time in which nothing is accepted if the system has no room for a connection. Trying again at once would take a
/// whole core, and would not make room.
const PAUSE: Duration = Duration::from_millis(100);
/// The time after which the log is told again of connections that are kept out. They are counted meanwhile.
const QUIET: Duration = Duration::from_secs(10);

/// Serves connections until told to close. Then it accepts no more, and returns when the open calls have ended.
/// Dropping the future ends them.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    closed: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut closing = closed.clone();
    let (mut too_many, mut no_room) = (Trouble::default(), Trouble::default());
    loop {
        let accepted = tokio::select! {
            // Connections that have ended make room before others are refused.
            biased;
            () = told_to_close(&mut closing) => break,
            Some(_) = connections.join_next() => {
                meter::connections(connections.len());
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(_) if connections.len() >= shared.settings().connections => {
                // Dropping the connection closes it.
                meter::refused(Refused::TooMany);
                if let Some(others) = too_many.news() {
                    tracing::warn!(
                        connections = connections.len(),
                        others,
                        "a connection was refused, because as many are open as are allowed"
                    );
                }
            }
            Ok((tcp, _)) => {
                connections.spawn(connection(tcp, Arc::clone(&shared), closed.clone()));
                meter::connections(connections.len());
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                meter::refused(Refused::NoRoom);
                if let Some(others) = no_room.news() {
                    tracing::warn!(%error, others, "no connection can be accepted for now");
                }
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    meter::connections(0);
}

/// A cause that keeps connections out, which the log is told of now and then.
#[derive(Debug, Default)]
struct Trouble {
    told: Option<Instant>,
    untold: usize,
}

impl Trouble {
    /// Counts one more connection. Returns how many others there were since the log was told, if it is time to tell it
    /// again.
    fn news(&mut self) -> Option<usize> {
        if self.told.is_some_and(|told| told.elapsed() < QUIET) {
            self.untold += 1;
            return None;
        }
        self.told = Some(Instant::now());
        Some(mem::take(&mut self.untold))
    }
}

async fn told_to_close(closed: &mut watch::Receiver<bool>) {
    // This fails if the sender is gone, which means the same.
    let _ = closed.wait_for(|closed| *closed).await;
}

/// Returns `true` if only the connection that was to be accepted is gone.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

async fn connection(tcp: TcpStream, shared: Arc<Shared>, mut closed: watch::Receiver<bool>) {
    let settings = shared.settings();
    let greeted = greeted(tcp, settings.answer_time);
    let Ok(Ok(io)) = timeout(settings.greeting_time, greeted).await else {
        meter::refused(Refused::NoGreeting);
        return;
    };
    let tasks = Tasks {
        patience: settings.answer_time,
    };
    let mut serving = std::pin::pin!(
        http2::Builder::new(tasks)
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.calls_per_connection)
            .max_header_list_size(call::MOST_METADATA_READ)
            // A client that is gone without notice must not hold its calls open.
            .keep_alive_interval(KEEPALIVE)
            .serve_connection(TokioIo::new(io), Calls::new(&shared, None))
    );
    let served = tokio::select! {
        served = after_others(serving.as_mut()) => served,
        () = told_to_close(&mut closed) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Polls a connection after the tasks that are ready, so that what they answer leaves in one write. A task that is woken
/// goes before those that wait, so each answer would be written as soon as it is made.
fn after_others<F: Future>(mut connection: Pin<&mut F>) -> impl Future<Output = F::Output> {
    let mut is_last = true;
    poll_fn(move |cx| {
        is_last = !is_last;
        if is_last {
            return connection.as_mut().poll(cx);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Waits until the client has said that it speaks HTTP/2. Leaves those bytes for the server, which reads them once
/// more.
///
/// The returned connection fails when nothing could be written for `patience`: HTTP/2 keeps data that is to be written,
/// even after its calls have ended.
async fn greeted(
    tcp: TcpStream,
    patience: Duration,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin> {
    // A small answer must not wait for the acknowledgement of the one before.
    tcp.set_nodelay(true)?;
    let (mut read, write) = tcp.into_split();
    let mut greeting = [0; GREETING.len()];
    read.read_exact(&mut greeting).await?;
    if &greeting != GREETING {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut write = TimeoutWriter::new(write);
    write.set_timeout(Some(patience));
    Ok(tokio::io::join(GREETING.chain(read), Box::pin(write)))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use tokio::sync::Notify;
    use tokio::task::yield_now;

    use super::*;

    /// On one worker, so that a task that is woken there goes before those that wait.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn calls_that_are_ready_answer_before_their_connection_writes() {
        const CALLS: usize = 3;
        let answers = Arc::new((AtomicUsize::new(0), Notify::new()));
        let written = tokio::spawn({
            let answers = Arc::clone(&answers);
            async move {
                let connection = pin!(async {
                    answers.1.notified().await;
                    answers.0.load(Relaxed)
                });
                after_others(connection).await
            }
        });
        let calls = tokio::spawn(async move {
            yield_now().await;
            for _ in 0..CALLS {
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    answers.0.fetch_add(1, Relaxed);
                    answers.1.notify_one();
                });
            }
        });
        calls.await.unwrap();
        let written = timeout(Duration::from_secs(60), written).await;
        assert_eq!(written.unwrap().unwrap(), CALLS);
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_of_trouble_now_and_then() {
        let mut trouble = Trouble::default();
        for others in [0, 9] {
            assert_eq!(trouble.news(), Some(others));
            for _ in 0..9 {
                assert_eq!(trouble.news(), None);
            }
            tokio::time::advance(QUIET).await;
        }
    }
}
