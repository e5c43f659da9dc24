//! The flagship example: an order service on an embedded SQLite file, and a short story told to it over gRPC.

mod order;
mod order_list;
mod reactions;
mod stock;
mod story;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use mimalloc::MiMalloc;
use seriatim::security::Config;
use seriatim::{AnyError, App, SqliteStore, StartAppError, open_store};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use order::Order;
use order_list::OrderList;
use reactions::{Fulfilment, ReserveStock};
use stock::Stock;

/// It takes less time than the allocator of the system, see docs/performance.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The address of the console if none is given.
const CONSOLE: &str = "127.0.0.1:8081";

/// Runs an order service, tells it a short story, and stays up for your own commands.
#[derive(Debug, Parser)]
struct Args {
    /// The store of the events: `sqlite://FILE`, `postgres://USER:PASSWORD@HOST/DATABASE` (feature `postgres`), or
    /// `memory:`
    #[arg(long, value_name = "URL", default_value = "sqlite://orders.db")]
    store: String,
    /// The address to listen on; port 0 takes any free one. By default that of the configuration, or 127.0.0.1:50051
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The address at which browsers find the console, for people; port 0 takes any free one. By default 127.0.0.1:8081,
    /// or any free port if that is taken
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    /// Serve no console
    #[arg(long, conflicts_with = "console")]
    no_console: bool,
    /// A configuration: TLS, who callers are, and what they may do (docs/security.md). No story is told then
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The SQLite file of the order list; by default `order-list-LOG.db`, where LOG is from the identity of the store's log
    #[arg(long, value_name = "FILE")]
    order_list: Option<PathBuf>,
    /// Print the order list and end
    #[arg(long)]
    list: bool,
    /// Print it as JSON
    #[arg(long, requires = "list")]
    json: bool,
    /// Do not tell the story
    #[arg(long)]
    no_story: bool,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    log_to_stderr();
    let args = Args::parse();
    if args.list
        && let Some(order_list) = &args.order_list
    {
        return order_list::show(order_list, args.json).await;
    }
    let store = open_store(&args.store).await?;
    // A list for each log: what was made of one does not belong to another.
    let by_default = || order_list::file_for(store.log_id());
    let order_list = args.order_list.unwrap_or_else(by_default);
    if args.list {
        return order_list::show(&order_list, args.json).await;
    }
    let order_list = SqliteStore::open_file(&order_list).await?;
    let config = match &args.config {
        Some(file) => Config::read(file)?,
        None => Config::default(),
    };
    let listen = args.listen.or_else(|| config.server.listen.clone());
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let app = App::on(store)
        .aggregate::<Order>()
        .aggregate::<Stock>()
        .saga(ReserveStock)
        .process_manager::<Fulfilment>()
        .read_model(&order_list, OrderList)
        .config(config)
        .listen(listen.unwrap_or_else(|| "127.0.0.1:50051".into()))
        .start()
        .await?;
    let server = app
        .address()
        .map(|address| format!("{scheme}://{address}"))
        .unwrap_or_default();
    let store = without_password(&args.store);
    println!("orders: serving gRPC on {server}, events in {store}");
    if args.config.is_none() {
        println!(
            "callers are not asked who they are; --config FILE changes that, see docs/security.md"
        );
    }
    if !args.no_console {
        let (address, note) = open_console(&app, args.console.as_deref()).await?;
        println!("the console for people is at {scheme}://{address}{note}");
    }
    if !args.no_story && args.config.is_none() {
        story::tell(&server).await?;
    }
    // Said when it is true: whoever reads it may be quick to send the signal.
    let say = async { println!("Ctrl-C ends the service.") };
    let (ended, ()) = tokio::join!(app.run(), say);
    ended?;
    println!("orders: everything that was admitted is finished");
    Ok(())
}

/// Serves the console at an address. By default that is [`CONSOLE`], or any free port if another process has that. Returns
/// the address, and what is to be said about it.
async fn open_console(
    app: &App,
    address: Option<&str>,
) -> Result<(SocketAddr, String), StartAppError> {
    match app.console(address.unwrap_or(CONSOLE)).await {
        Err(StartAppError::Listen { source, .. })
            if address.is_none() && source.kind() == io::ErrorKind::AddrInUse =>
        {
            let opened = app.console("127.0.0.1:0").await?;
            Ok((opened, format!(" ({CONSOLE} is taken)")))
        }
        opened => Ok((opened?, String::new())),
    }
}

/// What goes wrong, and when it is over; with `RUST_LOG=info` also what happens otherwise.
fn log_to_stderr() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}

/// Returns a URL without its password: what is printed may end up in a log.
fn without_password(url: &str) -> String {
    match url.split_once("://").zip(url.rsplit_once('@')) {
        Some(((scheme, _), (_, place))) => format!("{scheme}://{place}"),
        None => url.to_owned(),
    }
}
