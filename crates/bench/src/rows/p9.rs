//! P9: one gRPC call a command, 64 clients.

use seriatim::core::Domain;
use seriatim::core::ExpectedSequence::{self, Any, NoStream};
use seriatim_proto::v1::command_service_client::CommandServiceClient;
use seriatim_proto::v1::submit_response::Outcome as Became;
use tonic::client::Grpc;
use tonic::transport::Channel;

use crate::Outcome;
use crate::context::{Context, new_roots};
use crate::domain::Ledger;
use crate::limits::echo::{Said, say};
use crate::load::rate;
use crate::measure::in_turn;
use crate::product::request;
use crate::report::{Must, Row};
use crate::served::Served;

const CLIENTS: usize = 64;
/// Shared by the clients: with one each, both sides would measure the kernel's sockets instead.
const CONNECTIONS: usize = 2;
/// As large as a command's message.
const SAID: [u8; 240] = [b'x'; 240];

pub(crate) fn measure(context: &Context) -> Outcome<Vec<Row>> {
    let row = |workload, expected| -> Outcome<Row> {
        let ours = || submit(context, expected);
        let comparison = in_turn(context.rounds, || echo(context), ours)?;
        Ok(Row::compared(
            "P9",
            workload,
            "commands/s",
            "tonic echoing 240 bytes to 64 clients, on 2 connections as well",
            Must::AtLeast(0.4),
            &comparison,
        ))
    };
    Ok(vec![
        row(
            "gRPC unary Submit, new streams, sender expects none, 64 clients",
            NoStream,
        )?,
        row(
            "gRPC unary Submit, new streams, sender expects any, 64 clients",
            Any,
        )?,
    ])
}

fn submit(context: &Context, expected: ExpectedSequence) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let server = Served::product(folder.path())?;
    let total = context.scaled(50_000);
    let roots = new_roots(total);
    let domain = Domain::of::<Ledger>();
    let figure = context.block_on(async {
        let clients: Vec<_> = server
            .connect(CONNECTIONS)
            .await?
            .into_iter()
            .map(CommandServiceClient::new)
            .collect();
        let call = move |caller: usize, number: usize| {
            let client = clients[caller % CONNECTIONS].clone();
            let message = request(&domain, roots[number], expected);
            async move { submit_one(client, &message?).await }
        };
        rate(CLIENTS, total, call).await
    });
    server.close()?;
    figure
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

fn echo(context: &Context) -> Outcome<f64> {
    let server = Served::echo()?;
    let figure = context.block_on(async {
        let clients: Vec<_> = server
            .connect(CONNECTIONS)
            .await?
            .into_iter()
            .map(Grpc::new)
            .collect();
        let call = move |caller: usize, _| {
            let mut client = clients[caller % CONNECTIONS].clone();
            let said = Said {
                bytes: SAID.as_slice().into(),
            };
            async move { say(&mut client, said).await.map(drop) }
        };
        rate(CLIENTS, context.scaled(100_000), call).await
    });
    server.close()?;
    figure
}
