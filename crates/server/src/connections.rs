//! Accepts connections, limits their number, and serves each on a task of its own until it ends.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use seriatim_security::tls::{ClientCertificate, ServerTls};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::arrivals::Arrivals;
use crate::call::{self, Calls, Shared};
use crate::greeting::{self, Greeted, Refusals};
use crate::meter::{self, Refused};
use crate::strangers::{Standing, Strangers};
use crate::taking::Tasks;
use crate::trouble::Trouble;

/// The time after which a silent connection is asked whether it is still there. A connection that does not answer for
/// 20 s is closed.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// The time in which nothing is accepted if the system has no room for a connection. Trying again at once would take a
/// whole core, and would not make room.
const PAUSE: Duration = Duration::from_millis(100);
/// The time between two looks at the clock for a client certificate that expires, because somebody may set the clock.
const CLOCK: Duration = Duration::from_secs(60);
/// The time that open calls get when the client certificate of their connection has expired.
pub(crate) const LAST_CALLS: Duration = Duration::from_secs(5);

/// Serves connections until told to close. Then it accepts no more, and returns when the open calls have ended.
/// Dropping the future ends them.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<ServerTls>,
    shared: Arc<Shared>,
    closed: watch::Receiver<bool>,
) {
    let settings = shared.settings();
    let mut arrivals = Arrivals::default();
    let mut connections = JoinSet::new();
    let mut closing = closed.clone();
    let mut strangers = Strangers::default();
    let mut refusals = Refusals::default();
    let (mut too_many, mut no_room) = (Trouble::default(), Trouble::default());
    loop {
        let accepted = tokio::select! {
            // Connections that have ended make room before others are refused.
            biased;
            () = told_to_close(&mut closing) => break,
            Some(_) = connections.join_next() => {
                meter::connections(arrivals.len() + connections.len());
                continue;
            }
            arrived = arrivals.next() => {
                match arrived {
                    Ok(greeted) => {
                        let (shared, standing) = (Arc::clone(&shared), Standing::default());
                        let served = connection(greeted, shared, standing.clone(), closed.clone());
                        strangers.add(connections.spawn(served), standing);
                    }
                    Err(refused) => refusals.count(refused),
                }
                meter::connections(arrivals.len() + connections.len());
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            // Those that have not begun make room, and then those that have not shown who they are, so that they do not
            // keep others out.
            Ok((tcp, _))
                if arrivals.len() + connections.len() < settings.connections
                    || arrivals.make_room()
                    || strangers.make_room() =>
            {
                arrivals.add(greeting::greet(tcp, tls.clone(), settings.clone()));
                meter::connections(arrivals.len() + connections.len());
            }
            Ok(_) => {
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
    drop((listener, arrivals));
    while connections.join_next().await.is_some() {}
    meter::connections(0);
}

/// Waits until the server is told to close.
pub(crate) async fn told_to_close(closed: &mut watch::Receiver<bool>) {
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

async fn connection(
    greeted: Greeted,
    shared: Arc<Shared>,
    standing: Standing,
    mut closed: watch::Receiver<bool>,
) {
    let settings = shared.settings();
    let Greeted { line, client } = greeted;
    let names = client.as_ref().map(|client| Arc::clone(&client.names));
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
            .serve_connection(TokioIo::new(line), Calls::new(&shared, names, standing))
    );
    let served = tokio::select! {
        served = after_others(serving.as_mut()) => served,
        () = told_to_close(&mut closed) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
        () = expired(client) => {
            tracing::info!("a connection ends, because its client certificate has expired");
            serving.as_mut().graceful_shutdown();
            timeout(LAST_CALLS, serving).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Waits until a client certificate has expired.
pub(crate) async fn expired(client: Option<ClientCertificate>) {
    let Some(client) = client else {
        return std::future::pending().await;
    };
    while let Ok(left) = client.expires.duration_since(SystemTime::now()) {
        // A moment more, so that the time has passed.
        sleep(left.min(CLOCK) + Duration::from_millis(1)).await;
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
}
