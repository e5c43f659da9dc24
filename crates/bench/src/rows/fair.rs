//! FAIR: how long a command takes while another principal sends ten times what it may.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use seriatim::core::{Domain, ExpectedSequence};
use seriatim::security::{
    Access, DomainPattern, KnownToken, Limits, Policy, PrincipalPolicy, Rights, Token, Tokens, Verb,
};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots};
use seriatim_bench::measure::{in_turn, percentile};
use seriatim_bench::product::request;
use seriatim_bench::row::{Must, Row};
use seriatim_proto::v1;
use seriatim_proto::v1::command_service_client::CommandServiceClient;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tonic::Request;
use tonic::transport::Channel;

use crate::context::{Context, On};
use crate::served::Served;

/// The clients that send what they may, each this often.
const MODEST: usize = 8;
const EVERY: Duration = Duration::from_millis(20);
/// What the greedy one may send in a second, and how many times that it sends.
const SHARE: u32 = 200;
const TIMES: u32 = 10;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [alone, beside] = in_turn(
        context.rounds,
        [&mut || modest(context, on, false), &mut || {
            modest(context, on, true)
        }],
    )?;
    let row = Row::compared(
        "FAIR",
        "gRPC Submit of modest clients while one sends ten times its share, p99",
        "ms",
        &beside,
        "the same clients without it",
        &alone,
    );
    Ok(vec![row.must(Must::AtMost(2.0))])
}

/// Returns the p99 of the modest clients, in milliseconds.
fn modest(context: &Context, on: On, is_beside: bool) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let access = Access::new(policy(), Tokens::default());
        let tokens = access.tokens().clone();
        let server = Served::product_with(&database.url, |app| app.access(access)).await?;
        let channels = server.connect(2).await?;
        let [modest, greedy] = [header(&tokens, "modest")?, header(&tokens, "greedy")?];
        database.settle().await?;
        let ends = Arc::new(AtomicBool::new(false));
        let greedy = is_beside.then(|| {
            let client = Client::new(channels[1].clone(), greedy);
            tokio::spawn(client.send_too_much(Arc::clone(&ends)))
        });
        let calls = context.scaled(500);
        let mut clients = JoinSet::new();
        for _ in 0..MODEST {
            let client = Client::new(channels[0].clone(), modest.clone());
            clients.spawn(client.send_steadily(calls));
        }
        let mut times = Vec::new();
        while let Some(sent) = clients.join_next().await {
            times.extend(sent??);
        }
        ends.store(true, Relaxed);
        if let Some(greedy) = greedy {
            let (sent, refused) = greedy.await?;
            if refused * 2 < sent {
                return Err(format!("only {refused} of {sent} were refused").into());
            }
        }
        server.close().await?;
        Ok(percentile(&times, 99))
    })
}

/// Returns who may do what.
fn policy() -> Policy {
    let mut policy = Policy::default();
    let rights = Rights::default().grant(Verb::Submit, [DomainPattern::all()]);
    policy.roles.insert("sender".into(), rights);
    let limits = Limits {
        per_second: Some(SHARE),
        ..Limits::default()
    };
    let greedy = PrincipalPolicy {
        limits,
        ..PrincipalPolicy::default()
    };
    policy.principals.insert("greedy".into(), greedy);
    policy
}

/// Makes a token for a principal. Returns the header that shows it.
fn header(tokens: &Tokens, name: &str) -> Outcome<String> {
    let token = Token::generate()?;
    tokens.put(KnownToken {
        id: token.id(),
        digest: token.digest(),
        name: name.into(),
        roles: vec!["sender".into()],
        expires: None,
        revoked: false,
        last_used: None,
    });
    Ok(format!("Bearer {}", token.reveal()))
}

#[derive(Clone)]
struct Client {
    commands: CommandServiceClient<Channel>,
    header: String,
}

impl Client {
    fn new(channel: Channel, header: String) -> Self {
        Self {
            commands: CommandServiceClient::new(channel),
            header,
        }
    }

    /// Sends one command to a new stream. Returns whether it was accepted.
    async fn send(&mut self) -> Outcome<bool> {
        let domain = Domain::of::<Ledger>();
        let command = request(&domain, new_roots(1)[0], ExpectedSequence::NoStream)?;
        let mut message = Request::new(v1::SubmitRequest::from(&command));
        let header = self.header.parse()?;
        message.metadata_mut().insert("authorization", header);
        match self.commands.submit(message).await {
            Ok(_) => Ok(true),
            Err(status) if status.code() == tonic::Code::ResourceExhausted => Ok(false),
            Err(status) => Err(status.into()),
        }
    }

    /// Sends one command after another, at a steady rate. Returns the times that they took, in milliseconds.
    async fn send_steadily(mut self, calls: usize) -> Outcome<Vec<f64>> {
        let mut clock = interval(EVERY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            clock.tick().await;
            let start = Instant::now();
            if !self.send().await? {
                return Err("a modest client was refused".into());
            }
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        Ok(times)
    }

    /// Sends what it may many times over, whatever the answers are. Returns how many it sent, and how many were refused.
    async fn send_too_much(self, ends: Arc<AtomicBool>) -> (usize, usize) {
        let mut clock = interval(Duration::from_secs(1) / (SHARE * TIMES));
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (mut calls, mut sent) = (JoinSet::new(), 0);
        while !ends.load(Relaxed) {
            clock.tick().await;
            let mut client = self.clone();
            calls.spawn(async move { client.send().await.is_ok_and(|accepted| !accepted) });
            sent += 1;
        }
        let refused = calls
            .join_all()
            .await
            .into_iter()
            .filter(|refused| *refused);
        (sent, refused.count())
    }
}
