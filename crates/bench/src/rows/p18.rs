//! P18: what is done while ten times as much is asked for as is best, and what refusing costs.
//!
//! The server is a process of its own, so that its time on the processors can be told from that of its clients, which share
//! them. Who is refused asks again at once, as no good client does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use seriatim::core::Domain;
use seriatim::core::ExpectedSequence::NoStream;
use seriatim_bench::Outcome;
use seriatim_bench::domain::Ledger;
use seriatim_bench::load::per_second;
use seriatim_bench::measure::{Figures, all_in_turn};
use seriatim_bench::product::request;
use seriatim_bench::row::{Must, Row};
use seriatim_proto::v1::SubmitRequest;
use seriatim_proto::v1::command_service_client::CommandServiceClient;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use crate::child::{Process, Role};
use crate::context::{Context, On};

/// Calls in flight at the best load, at ten times that, and at as many as once brought a server down to a seventh.
const BEST: usize = 640;
const OVERLOADS: [usize; 2] = [10 * BEST, 40 * BEST];
/// As many as the largest load needs, for all.
const CONNECTIONS: usize = 32;
/// The time before the server is looked at: until then the load becomes what it is meant to be.
const WARM_UP: Duration = Duration::from_secs(1);

/// The work that a server did in a while.
struct Done {
    commands: u64,
    refused: u64,
    time: Duration,
    cpu_seconds: Option<f64>,
}

impl Done {
    fn rate(&self) -> f64 {
        per_second(
            usize::try_from(self.commands).unwrap_or(usize::MAX),
            self.time,
        )
    }

    /// Microseconds of the server's processor time for each call.
    fn cpu_of_each(&self) -> Option<f64> {
        Some(self.cpu_seconds? * 1e6 / (self.commands + self.refused) as f64)
    }
}

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let default = seriatim::ServerSettings::default();
    // Nobody waits and next to nobody gets in, so that what is done is refusing.
    let shut = (1, 0);
    let open = (default.in_work, default.waiting);
    let measured = all_in_turn(
        context.rounds,
        &mut [
            &mut || load(context, on, BEST, open),
            &mut || load(context, on, OVERLOADS[0], open),
            &mut || load(context, on, OVERLOADS[1], open),
            &mut || load(context, on, BEST, shut),
        ],
    )?;
    let [best, overloads @ .., refusing] = &measured[..] else {
        return Err("more than one load was measured".into());
    };
    let rates = |all: &[Done]| Figures(all.iter().map(Done::rate).collect());
    let mut rows = Vec::new();
    for (in_flight, overload) in OVERLOADS.iter().zip(overloads) {
        let goodput = Row::compared(
            "P18",
            format!(
                "gRPC unary Submit, {in_flight} in flight on {CONNECTIONS} connections, refused ones at once again"
            ),
            "commands/s",
            &rates(overload),
            format!("the same with {BEST} in flight"),
            &rates(best),
        );
        rows.push(goodput.must(Must::AtLeast(0.8)));
    }
    let costs = |all: &[Done]| {
        let each: Option<Vec<_>> = all.iter().map(Done::cpu_of_each).collect();
        each.map(Figures)
    };
    if let (Some(refused), Some(done)) = (costs(refusing), costs(best)) {
        let cost = Row::compared(
            "P18",
            "processor time of the server for a call that is refused at once",
            "us",
            &refused,
            "that for a command that is done",
            &done,
        );
        rows.push(cost.must(Must::AtMost(0.5)));
    }
    Ok(rows)
}

#[derive(Debug, Default)]
struct Counts {
    commands: AtomicU64,
    refused: AtomicU64,
    ended: AtomicBool,
}

fn load(
    context: &Context,
    on: On,
    in_flight: usize,
    (in_work, waiting): (usize, usize),
) -> Outcome<Done> {
    context.in_database(on, async |database| {
        let mut process = Process::start(&Role::Door {
            url: database.url.clone(),
            in_work,
            waiting,
        })?;
        let server = format!("http://{}", process.line()?);
        let counts = Arc::new(Counts::default());
        let mut senders = Vec::new();
        for _ in 0..CONNECTIONS {
            let channel = Endpoint::from_shared(server.clone())?.connect().await?;
            for _ in 0..in_flight / CONNECTIONS {
                senders.push(tokio::spawn(send(channel.clone(), Arc::clone(&counts))));
            }
        }
        tokio::time::sleep(WARM_UP).await;
        let (commands, refused) = (counts.commands.load(Relaxed), counts.refused.load(Relaxed));
        let (start, cpu) = (Instant::now(), process.cpu_seconds());
        tokio::time::sleep(Duration::from_millis(context.scaled(5000) as u64)).await;
        let done = Done {
            commands: counts.commands.load(Relaxed) - commands,
            refused: counts.refused.load(Relaxed) - refused,
            time: start.elapsed(),
            cpu_seconds: process.cpu_seconds().zip(cpu).map(|(now, then)| now - then),
        };
        counts.ended.store(true, Relaxed);
        for sender in senders {
            sender.await??;
        }
        process.go()?;
        process.end()?;
        Ok(done)
    })
}

async fn send(channel: Channel, counts: Arc<Counts>) -> Outcome<()> {
    let domain = Domain::of::<Ledger>();
    let mut client = CommandServiceClient::new(channel);
    while !counts.ended.load(Relaxed) {
        let message: SubmitRequest = (&request(&domain, Uuid::now_v7(), NoStream)?).into();
        match client.submit(message).await {
            Ok(_) => counts.commands.fetch_add(1, Relaxed),
            Err(status) if status.code() == Code::ResourceExhausted => {
                counts.refused.fetch_add(1, Relaxed)
            }
            Err(status) => return Err(status.into()),
        };
    }
    Ok(())
}
