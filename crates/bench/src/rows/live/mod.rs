//! LIVE: what is said in rooms reaches everybody in them, over WebSockets.
//!
//! Each server is a process of its own, so that its memory and its time on the processors can be told from that of the
//! clients.

mod crowd;
mod hall;

use std::time::Duration;

use serde_json::json;
use seriatim::core::{Domain, StreamId};
use seriatim::{App, LiveSettings};
use seriatim_bench::Outcome;
use seriatim_bench::measure::{Figures, all_in_turn, percentile};
use seriatim_bench::row::{Must, Row};
use uuid::Uuid;

use crate::child::{Process, Role, line};
use crate::context::{Context, On};
use crowd::{Crowd, Manners};
use hall::Hall;

const CLIENTS: usize = 2000;
const ROOMS: usize = 200;
const PER_SECOND: usize = 1000;
const WARM_UP: Duration = Duration::from_secs(2);

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let mut ours = || {
        context.in_database(on, async |database| {
            let url = database.url.clone();
            talk(context, &Role::Live { url }, Rooms).await
        })
    };
    let mut limit = || context.block_on(talk(context, &Role::Broadcast { rooms: ROOMS }, Bare));
    let mut rounds = all_in_turn(context.rounds, &mut [&mut ours, &mut limit])?;
    let (limit, ours) = (rounds.remove(1), rounds.remove(0));
    let row = |what: &str, unit, figure: fn(&Gave) -> f64| {
        let figures = |rounds: &[Gave]| Figures(rounds.iter().map(figure).collect());
        let workload = format!("{CLIENTS} sockets in {ROOMS} rooms, {PER_SECOND} texts/s: {what}");
        let bare = "bare axum that sends the same texts on and keeps nothing";
        let (ours, limit) = (figures(&ours), figures(&limit));
        Row::compared("LIVE", workload, unit, &ours, bare, &limit)
    };
    Ok(vec![
        row("send to everybody, p50", "ms", |gave| gave.p50),
        row("send to everybody, p99", "ms", |gave| gave.p99),
        row("memory a socket", "kB", |gave| gave.kilobytes).must(Must::AtMost(1.5)),
        row("processor time a delivery", "us", |gave| gave.cpu),
    ])
}

/// What a server gave in one round.
struct Gave {
    p50: f64,
    p99: f64,
    kilobytes: f64,
    cpu: f64,
}

async fn talk(context: &Context, role: &Role, manners: impl Manners) -> Outcome<Gave> {
    let mut server = Process::start(role)?;
    let address = server.line()?;
    let before = server
        .kilobytes()
        .ok_or("the system does not tell how large a process is")?;
    let mut crowd = Crowd::gather(&address, manners, CLIENTS, ROOMS).await?;
    let after = server.kilobytes().unwrap_or(before);
    crowd.talk(PER_SECOND, WARM_UP).await?;
    let cpu = server.cpu_seconds();
    let time = Duration::from_secs(context.scaled(10).try_into()?);
    let lags = crowd.talk(PER_SECOND, time).await?;
    let cpu = server
        .cpu_seconds()
        .zip(cpu)
        .map_or(f64::NAN, |(now, then)| now - then);
    drop(crowd);
    server.go()?;
    server.end()?;
    Ok(Gave {
        p50: percentile(&lags, 50),
        p99: percentile(&lags, 99),
        kilobytes: (after - before) / CLIENTS as f64,
        cpu: cpu * 1e6 / lags.len() as f64,
    })
}

/// Serves rooms until it is given a line.
pub(crate) async fn serve(url: &str) -> Outcome<()> {
    let app = App::open(url).await?.aggregate::<Hall>().start().await?;
    let live = app
        .live(|live| live.room::<Hall>().settings(LiveSettings::default()))
        .await?;
    println!("{}", app.serve_pages("127.0.0.1:0", live.router()).await?);
    line().await?;
    Ok(app.shutdown().await?)
}

/// The same room for every process.
fn stream(room: usize) -> String {
    StreamId::new(Domain::of::<Hall>(), Uuid::from_u128(room as u128 + 1)).to_string()
}

/// The manners of our clients.
struct Rooms;

impl Manners for Rooms {
    fn path(&self, _: usize) -> String {
        "/".into()
    }

    fn begin(&self, client: usize, room: usize) -> (Vec<String>, usize) {
        let hello = json!({"type": "hello", "protocol": 1, "user": format!("user-{client}")});
        let join = json!({"type": "join", "stream": stream(room)});
        (vec![hello.to_string(), join.to_string()], 2)
    }

    fn say(&self, number: usize, room: usize, text: &str) -> String {
        let id = Uuid::now_v7();
        json!({"type": "send", "ref": number, "stream": stream(room), "id": id, "command": {"text": text}})
            .to_string()
    }
}

/// The manners of clients of the limit: they send what ours are told, so that as much is written.
struct Bare;

impl Manners for Bare {
    fn path(&self, room: usize) -> String {
        format!("/{room}")
    }

    fn begin(&self, _: usize, _: usize) -> (Vec<String>, usize) {
        (Vec::new(), 0)
    }

    fn say(&self, number: usize, room: usize, text: &str) -> String {
        let event = json!({
            "sequence": number, "id": Uuid::now_v7(), "at": "2026-12-01T04:20:00.125000Z", "type": "Said",
            "data": {"by": "user-1000", "text": text}, "actor": "user-1000", "external_id": Uuid::now_v7(),
        });
        json!({"type": "events", "stream": stream(room), "events": [event]}).to_string()
    }
}
