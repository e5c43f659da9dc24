//! One gateway: an application on the store, with the page and the WebSockets of its users.

use std::net::SocketAddr;
use std::path::PathBuf;

use chat::{Conversation, Inbox, Membership, ReadMarks};
use clap::Args;
use seriatim::security::Config;
use seriatim::{AnyError, App, LiveBuilder};
use tokio::io::AsyncReadExt as _;

use super::pages::{self, Place};
use super::presence::PresenceFile;
use super::welcome;

#[derive(Args, Clone, Debug)]
pub(crate) struct GatewayArgs {
    #[arg(long)]
    store: String,
    /// The addresses of all gateways
    #[arg(long = "address", required = true)]
    addresses: Vec<SocketAddr>,
    /// Which of them is this one
    #[arg(long)]
    at: usize,
    /// The file through which gateways tell one another who is here
    #[arg(long)]
    presence: PathBuf,
    #[arg(long)]
    config: Option<PathBuf>,
}

/// Serves until the process is told to end, or the process that has started it is gone.
pub(crate) async fn run(args: GatewayArgs) -> Result<(), AnyError> {
    let config = match &args.config {
        Some(file) => Config::read(file)?,
        None => Config::default(),
    };
    let has_tls = config.tls.is_some();
    let app = App::open(&args.store)
        .await?
        .aggregate::<Conversation>()
        .aggregate::<ReadMarks>()
        .aggregate::<Inbox>()
        .saga(Membership)
        .config(config)
        .start()
        .await?;
    let asks = args.config.is_some();
    if !asks {
        welcome::begin(&app).await?;
    }
    let place = Place::new(&args.addresses, args.at, has_tls, asks);
    let presence = PresenceFile::open(&args.presence).await?;
    let origins = place.origins();
    let live = app
        .live(|live| {
            let live = live.room::<Conversation>().room::<ReadMarks>();
            let live = live.room::<Inbox>().share_presence(presence);
            origins.into_iter().fold(live, LiveBuilder::allow_origin)
        })
        .await?;
    let address = args.addresses[args.at];
    let router = pages::router(place, &live);
    let address = app.serve_pages(&address.to_string(), router).await?;
    let scheme = if has_tls { "https" } else { "http" };
    println!("{scheme}://{address}");
    let ending = app.clone();
    tokio::select! {
        ended = app.run() => ended?,
        () = left_alone() => ending.shutdown().await?,
    }
    Ok(())
}

/// Returns when the process that has started this one has closed its input, or is gone.
async fn left_alone() {
    let mut input = tokio::io::stdin();
    let mut some = [0; 64];
    while let Ok(1..) = input.read(&mut some).await {}
}
