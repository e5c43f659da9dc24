//! A chat: Ann and Bob side by side in a page, over WebSockets, on an embedded SQLite file.

mod serve;

use std::io::{self, IsTerminal};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use seriatim::AnyError;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// It takes less time than the allocator of the system, see docs/performance.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Serves a chat in which everybody sees the same messages in the same order.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    serve: serve::ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the same messages under counters of four scopes, and which orders each of them tells
    Scopes {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// One of the gateways that this program starts
    #[command(hide = true)]
    Gateway(serve::GatewayArgs),
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    log_to_stderr();
    let arguments = Arguments::parse();
    match arguments.command {
        None => serve::run(arguments.serve).await,
        Some(Command::Scopes { json }) => chat::scopes::show(json).await,
        Some(Command::Gateway(gateway)) => serve::run_gateway(gateway).await,
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
