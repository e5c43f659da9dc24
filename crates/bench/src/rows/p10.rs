//! P10: one gRPC stream that carries many commands at once.

use std::time::Instant;

use seriatim::core::Domain;
use seriatim::core::ExpectedSequence;
use seriatim_proto::v1::command_service_client::CommandServiceClient;
use seriatim_proto::v1::submit_response::Outcome as Became;
use seriatim_proto::v1::submit_stream_response::Result as Answer;
use seriatim_proto::v1::{SubmitStreamRequest, SubmitStreamResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::Outcome;
use crate::context::{Context, new_roots};
use crate::domain::Ledger;
use crate::load::{per_second, rate};
use crate::measure::in_turn;
use crate::product::{Product, request};
use crate::report::{Must, Row};
use crate::served::Served;

const IN_FLIGHT: usize = 256;

pub(crate) fn measure(context: &Context) -> Outcome<Vec<Row>> {
    let comparison = in_turn(context.rounds, || in_process(context), || streamed(context))?;
    Ok(vec![Row::compared(
        "P10",
        "gRPC SubmitStream, new streams, 256 in flight",
        "commands/s",
        "the same commands in process, 256 in flight",
        Must::AtLeast(0.6),
        &comparison,
    )])
}

fn in_process(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let roots = new_roots(context.scaled(100_000));
    let total = roots.len();
    context.block_on(async {
        let product = Product::open(folder.path()).await?;
        let submit = product.submitter::<Ledger>();
        let figure = rate(IN_FLIGHT, total, move |_, number| {
            submit.send(roots[number], ExpectedSequence::NoStream)
        })
        .await?;
        product.close().await?;
        Ok(figure)
    })
}

fn streamed(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let server = Served::product(folder.path())?;
    let roots = new_roots(context.scaled(100_000));
    let figure = context.block_on(async {
        let channel = server.connect(1).await?.remove(0);
        stream_all(CommandServiceClient::new(channel), &roots).await
    });
    server.close()?;
    figure
}

/// Sends the next command for each answer, so that as many as may be are always in flight.
async fn stream_all(mut client: CommandServiceClient<Channel>, roots: &[Uuid]) -> Outcome<f64> {
    let domain = Domain::of::<Ledger>();
    let mut messages = roots.iter().map(|root| message(&domain, *root));
    let (send, receive) = mpsc::channel(IN_FLIGHT);
    let start = Instant::now();
    for message in messages.by_ref().take(IN_FLIGHT) {
        send.send(message?).await?;
    }
    let mut answers = client
        .submit_stream(ReceiverStream::new(receive))
        .await?
        .into_inner();
    for _ in 0..roots.len() {
        let answer = answers
            .message()
            .await?
            .ok_or("the stream ended too early")?;
        check(answer)?;
        if let Some(message) = messages.next() {
            send.send(message?).await?;
        }
    }
    Ok(per_second(roots.len(), start.elapsed()))
}

fn message(domain: &Domain, root: Uuid) -> Outcome<SubmitStreamRequest> {
    Ok(SubmitStreamRequest {
        tag: 0,
        request: Some((&request(domain, root, ExpectedSequence::NoStream)?).into()),
    })
}

fn check(answer: SubmitStreamResponse) -> Outcome<()> {
    match answer.result {
        Some(Answer::Response(response))
            if matches!(response.outcome, Some(Became::Committed(_))) =>
        {
            Ok(())
        }
        other => Err(format!("a command became {other:?}").into()),
    }
}
