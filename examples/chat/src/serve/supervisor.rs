//! Starts the gateways, each a process of its own, and starts them again when they die.

use std::env;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Args;
use seriatim::AnyError;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The time that a gateway has to end when it is told to.
const FAREWELL: Duration = Duration::from_secs(15);
/// The time before a gateway that has died is started again.
const PAUSE: Duration = Duration::from_millis(200);
/// A gateway that dies sooner than this, so many times in a row, is not started again.
const AT_ONCE: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 5;

#[derive(Args, Clone, Debug)]
pub(crate) struct ServeArgs {
    /// The store of the events: `sqlite://FILE`, or `postgres://USER:PASSWORD@HOST/DATABASE` (feature `postgres`)
    #[arg(long, value_name = "URL", default_value = "sqlite://chat.db")]
    store: String,
    /// The address of the page; port 0 takes any free one. Further gateways take the ports that follow
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How many gateways serve the same conversations, each a process of its own
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=8))]
    gateways: u16,
    /// A configuration: TLS, who users are, and what they may do (docs/security.md). Users then sign in with a token
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Serves until the process is told to end.
pub(crate) async fn run(args: ServeArgs) -> Result<(), AnyError> {
    if args.store.starts_with("memory:") {
        return Err("`memory:` is gone with each gateway; take `sqlite://FILE`".into());
    }
    let addresses = addresses(args.listen, args.gateways)?;
    // It goes with this process, as all that is in it does.
    let shared = tempfile::tempdir()?;
    let program = env::current_exe()?;
    let (closing, closed) = watch::channel(false);
    let (ready, mut started) = mpsc::channel(addresses.len());
    let mut gateways = JoinSet::new();
    for at in 0..addresses.len() {
        let arguments = arguments(&args, &addresses, at, shared.path());
        let gateway = Gateway {
            program: program.clone(),
            arguments,
            at,
            ready: ready.clone(),
            closed: closed.clone(),
        };
        gateways.spawn(gateway.keep());
    }
    drop(ready);
    let served = tokio::select! {
        told = told_to_end() => told.map_err(AnyError::from),
        never = tell(&args, addresses.len(), &mut started) => match never {},
        Some(ended) = gateways.join_next() => ended?,
    };
    closing.send_replace(true);
    while let Some(ended) = gateways.join_next().await {
        ended??;
    }
    served?;
    println!("chat: everything that was admitted is finished");
    Ok(())
}

/// Says where the page is once all gateways serve. Never ends.
async fn tell(
    args: &ServeArgs,
    gateways: usize,
    started: &mut mpsc::Receiver<(usize, String)>,
) -> std::convert::Infallible {
    let mut urls = vec![None; gateways];
    while urls.contains(&None) {
        match started.recv().await {
            Some((at, url)) => urls[at] = Some(url),
            None => std::future::pending().await,
        }
    }
    let urls: Vec<String> = urls.into_iter().flatten().collect();
    let store = without_password(&args.store);
    match args.config {
        None => {
            println!("chat: {} shows Ann and Bob, events in {store}", urls[0]);
            println!(
                "users are not asked who they are; --config FILE changes that, see docs/security.md"
            );
        }
        Some(_) => println!("chat: {}, events in {store}", urls[0]),
    }
    if let [_, others @ ..] = &urls[..]
        && !others.is_empty()
    {
        println!("further gateways: {}", others.join(" "));
    }
    println!("Ctrl-C ends the service.");
    // Gateways that are started again say so again.
    while started.recv().await.is_some() {}
    std::future::pending().await
}

/// Returns an address for each gateway.
fn addresses(first: SocketAddr, gateways: u16) -> Result<Vec<SocketAddr>, AnyError> {
    if first.port() == 0 {
        // Held until all are chosen, so that no port is chosen twice.
        let bound = (0..gateways).map(|_| TcpListener::bind(first));
        let bound = bound.collect::<Result<Vec<_>, _>>()?;
        let addresses = bound.iter().map(TcpListener::local_addr);
        return Ok(addresses.collect::<Result<_, _>>()?);
    }
    let ports = (0..gateways).map(|further| {
        let port = first.port().checked_add(further);
        port.map(|port| SocketAddr::new(first.ip(), port))
    });
    let addresses: Option<Vec<_>> = ports.collect();
    addresses.ok_or_else(|| "there are not so many ports after that one; take a lower one".into())
}

fn arguments(
    args: &ServeArgs,
    addresses: &[SocketAddr],
    at: usize,
    shared: &Path,
) -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<std::ffi::OsString> = vec![
        "gateway".into(),
        "--store".into(),
        (&args.store).into(),
        "--at".into(),
        at.to_string().into(),
        "--presence".into(),
        shared.join("presence.db").into(),
    ];
    for address in addresses {
        arguments.extend(["--address".into(), address.to_string().into()]);
    }
    if let Some(config) = &args.config {
        arguments.extend(["--config".into(), config.into()]);
    }
    arguments
}

/// A gateway that is kept running.
struct Gateway {
    program: PathBuf,
    arguments: Vec<std::ffi::OsString>,
    at: usize,
    /// To be told where it serves, each time it is started.
    ready: mpsc::Sender<(usize, String)>,
    closed: watch::Receiver<bool>,
}

impl Gateway {
    /// Runs it, again whenever it dies, until it is told to end. Fails if it dies at once again and again.
    async fn keep(mut self) -> Result<(), AnyError> {
        let mut failed = 0;
        loop {
            let begun = Instant::now();
            let mut child = self.start()?;
            // Waiting would close it.
            let input = child.stdin.take();
            let mut lines = child.stdout.take().map(|out| BufReader::new(out).lines());
            let run = async {
                if let Some(lines) = &mut lines
                    && let Ok(Some(url)) = lines.next_line().await
                {
                    // Nobody may want to know any more.
                    let _ = self.ready.send((self.at, url)).await;
                }
                child.wait().await
            };
            let status = tokio::select! {
                status = run => status?,
                () = told(&mut self.closed) => {
                    drop(input);
                    return end(child).await;
                }
            };
            failed = if begun.elapsed() < AT_ONCE {
                failed + 1
            } else {
                0
            };
            if failed == ATTEMPTS {
                return Err(format!("gateway {} does not start ({status})", self.at + 1).into());
            }
            sleep(PAUSE).await;
        }
    }

    fn start(&self) -> std::io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            // It ends when this is closed, so it does not outlive this process.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }
}

async fn told(closed: &mut watch::Receiver<bool>) {
    // An error means that whoever would tell is gone.
    let _ = closed.wait_for(|closed| *closed).await;
}

async fn end(mut child: Child) -> Result<(), AnyError> {
    if timeout(FAREWELL, child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}

/// Returns when the process is told to end: by Ctrl-C, or by SIGTERM on Unix.
async fn told_to_end() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Returns a URL without its password: what is printed may end up in a log.
fn without_password(url: &str) -> String {
    match url.split_once("://").zip(url.rsplit_once('@')) {
        Some(((scheme, _), (_, place))) => format!("{scheme}://{place}"),
        None => url.to_owned(),
    }
}
