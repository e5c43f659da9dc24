//! P10: one gRPC stream that carries many commands at once.

use std::time::Instant;

use seriatim::core::Domain;
use seriatim::core::ExpectedSequence::NoStream;
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots};
use seriatim_bench::load::per_second;
use seriatim_bench::measure::in_turn;
use seriatim_bench::product::request;
use seriatim_bench::row::{Must, Row};
use seriatim_proto::v1::command_service_client::CommandServiceClient;
use seriatim_proto::v1::submit_response::Outcome as Became;
use seriatim_proto::v1::submit_stream_response::Result as Answer;
use seriatim_proto::v1::{SubmitStreamRequest, SubmitStreamResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::context::{Context, On};
use crate::rows::ours::new_streams;
use crate::served::Served;

const IN_FLIGHT: usize = 256;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [in_process, streamed] = in_turn(
        context.rounds,
        [
            &mut || new_streams(context, on, NoStream, IN_FLIGHT),
            &mut || streamed(context, on),
        ],
    )?;
    let row = Row::compared(
        "P10",
        "gRPC SubmitStream, new streams, 256 in flight",
        "commands/s",
        &streamed,
        "the same commands in process, 256 in flight",
        &in_process,
    );
    Ok(vec![row.must(Must::AtLeast(0.8))])
}

fn streamed(context: &Context, on: On) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let server = Served::product(&database.url).await?;
        let roots = new_roots(context.scaled(100_000));
        let channel = server.connect(1).await?.remove(0);
        database.settle().await?;
        let figure = stream_all(CommandServiceClient::new(channel), &roots).await?;
        server.close().await?;
        Ok(figure)
    })
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
        request: Some((&request(domain, root, NoStream)?).into()),
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
