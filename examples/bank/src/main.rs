//! The first example: an account on an embedded SQLite file, with a gRPC server.

mod account;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};

use mimalloc::MiMalloc;
use seriatim::prelude::*;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use account::{Account, AccountCommand};

/// It takes less time than the allocator of the system, see docs/performance.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    log_to_stderr();
    let app = App::open("sqlite://bank.db")
        .await?
        .aggregate::<Account>()
        .listen("127.0.0.1:50051")
        .start()
        .await?;

    let root = Uuid::now_v7();
    let account = app.of::<Account>(root);
    let owner = "Ann".into();
    account
        .send(AccountCommand::Open { owner })
        .expecting(NoStream)
        .await?;
    account
        .send(AccountCommand::Deposit { cents: 500 })
        .external_id("till-7/123")
        .await?;
    println!("account/{root} is open; try, from the folder of Seriatim:");
    let seriatim = "cargo run -q -p seriatim-cli --";
    println!("  {seriatim} send account/{root} Withdraw '{{\"cents\": 200}}'");
    println!("  {seriatim} state account/{root}");

    app.run().await?;
    Ok(())
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
