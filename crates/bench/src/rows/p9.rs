//! P9: one gRPC call a command, 64 clients.

use seriatim::core::Domain;
use seriatim::core::ExpectedSequence::{self, Any, NoStream};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots};
use seriatim_bench::load::rate;
use seriatim_bench::measure::in_turn;
use seriatim_bench::product::request;
use seriatim_bench::row::{Must, Row};
use seriatim_proto::v1::command_service_client::CommandServiceClient;
use seriatim_proto::v1::submit_response::Outcome as Became;
use tonic::client::Grpc;
use tonic::transport::Channel;

use crate::context::{Context, On};
use crate::limits::echo::{Said, say};
use crate::served::Served;

const CLIENTS: usize = 64;
/// Shared by the clients: with one each, both sides would measure the kernel's sockets instead.
const CONNECTIONS: usize = 2;
/// As large as a command's message.
const SAID: [u8; 240] = [b'x'; 240];

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [echo, said, unsaid] = in_turn(
        context.rounds,
        [
            &mut || context.block_on(echo(context.scaled(100_000))),
            &mut || submit(context, on, NoStream),
            &mut || submit(context, on, Any),
        ],
    )?;
    let limit = "tonic echoing 240 bytes to 64 clients, on 2 connections as well";
    let row = |workload, ours, least| {
        Row::compared("P9", workload, "commands/s", ours, limit, &echo).must(Must::AtLeast(least))
    };
    Ok(vec![
        row(
            "gRPC unary Submit, new streams, sender expects none, 64 clients",
            &said,
            0.5,
        ),
        row(
            "gRPC unary Submit, new streams, sender expects any, 64 clients",
            &unsaid,
            0.45,
        ),
    ])
}

fn submit(context: &Context, on: On, expected: ExpectedSequence) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let server = Served::product(&database.url).await?;
        let total = context.scaled(50_000);
        let roots = new_roots(total);
        let domain = Domain::of::<Ledger>();
        let channels = server.connect(CONNECTIONS).await?;
        let clients: Vec<_> = channels
            .into_iter()
            .map(CommandServiceClient::new)
            .collect();
        database.settle().await?;
        let call = move |caller: usize, number: usize| {
            let client = clients[caller % CONNECTIONS].clone();
            let message = request(&domain, roots[number], expected);
            async move { submit_one(client, &message?).await }
        };
        let figure = rate(CLIENTS, total, call).await?;
        server.close().await?;
        Ok(figure)
    })
}

async fn submit_one(
    mut client: CommandServiceClient<Channel>,
    request: &seriatim::core::CommandRequest,
) -> Outcome<()> {
    let message: seriatim_proto::v1::SubmitRequest = request.into();
    match client.submit(message).await?.into_inner().outcome {
        Some(Became::Committed(_)) => Ok(()),
        other => Err(format!("a command became {other:?}").into()),
    }
}

async fn echo(total: usize) -> Outcome<f64> {
    let server = Served::echo().await?;
    let channels = server.connect(CONNECTIONS).await?;
    let clients: Vec<_> = channels.into_iter().map(Grpc::new).collect();
    let call = move |caller: usize, _| {
        let mut client = clients[caller % CONNECTIONS].clone();
        let said = Said {
            bytes: SAID.as_slice().into(),
        };
        async move { say(&mut client, said).await.map(drop) }
    };
    let figure = rate(CLIENTS, total, call).await?;
    server.close().await?;
    Ok(figure)
}
