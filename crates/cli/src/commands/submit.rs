//! `send`, `record`, `simulate`.

use seriatim::Payloads;
use seriatim_core::{NotHandled, Outcome, Receipt, Simulated, StreamId, SubmitError};
use seriatim_proto::{CallError, Client};

use crate::args::{Global, RecordAndWait, SendAndWait, Simulate};
use crate::connect::connect;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, json, text};
use crate::readable::Reader;

pub(crate) async fn send(
    wanted: SendAndWait,
    global: &Global,
    output: &Output,
) -> Result<Exit, Failure> {
    let rule = wanted.send.unknown_fields.into();
    let request = input::command(wanted.send, global.actor.clone())?;
    let client = connect(global).await?.with_unknown_fields(rule);
    let answer = match wanted.wait.given() {
        Some(wait) => client.submit_and_wait(&request, &wait).await,
        None => (client.submit(&request).await).map(|receipt| (receipt, Ok(()))),
    };
    let (receipt, waited) = read(answer, &client, &request.stream).await?;
    print(&receipt, waited.err().as_ref(), output)
}

pub(crate) async fn record(
    wanted: RecordAndWait,
    global: &Global,
    output: &Output,
) -> Result<Exit, Failure> {
    let request = input::fact(wanted.record, global.actor.clone())?;
    let client = connect(global).await?;
    let answer = match wanted.wait.given() {
        Some(wait) => client.record_and_wait(&request, &wait).await,
        None => (client.record(&request).await).map(|receipt| (receipt, Ok(()))),
    };
    let (receipt, waited) = read(answer, &client, &request.stream).await?;
    print(&receipt, waited.err().as_ref(), output)
}

/// Makes an answer, or the error in its place, readable.
async fn read<P: Payloads, R>(
    answer: Result<(P, R), CallError<SubmitError>>,
    client: &Client,
    stream: &StreamId,
) -> Result<(P, R), Failure> {
    let mut reader = Reader::new(client);
    match answer {
        Ok((shown, rest)) => Ok((reader.readable(shown).await, rest)),
        Err(error) => {
            let error = reader.refusal(error).await;
            Err(Failure::of_submit_call(&error, stream))
        }
    }
}

fn print(
    receipt: &Receipt,
    not_handled: Option<&NotHandled>,
    output: &Output,
) -> Result<Exit, Failure> {
    output.answer(
        &json::waited_receipt(receipt, not_handled),
        &text::receipt(receipt),
    )?;
    for warning in &receipt.warnings {
        output.hint(&format!("warning: {warning}"));
    }
    if let Some(not_handled) = not_handled {
        output.hint(&format!("it is recorded, but {not_handled}"));
        return Ok(Exit::NotHandled);
    }
    Ok(match &receipt.outcome {
        Outcome::DeadLettered { id, .. } => {
            output.hint(&format!(
                "next: look at it with `seriatim dead-letters show {id}`"
            ));
            Exit::DeadLettered
        }
        Outcome::Committed(_) | Outcome::Unchanged { .. } | Outcome::Duplicate(_) => Exit::Ok,
    })
}

pub(crate) async fn simulate(
    simulate: Simulate,
    global: &Global,
    output: &Output,
) -> Result<Exit, Failure> {
    let at = simulate.when.at();
    let rule = simulate.send.unknown_fields.into();
    let request = input::command(simulate.send, global.actor.clone())?;
    let client = connect(global).await?.with_unknown_fields(rule);
    let answer = client.simulate(&request, at).await;
    let answer = answer.map(|simulation| (simulation, ()));
    let (simulation, ()) = read(answer, &client, &request.stream).await?;
    output.answer(
        &json::simulation(&simulation),
        &text::simulation(&simulation),
    )?;
    Ok(exit_of(&simulation.outcome))
}

/// Returns the exit code that sending would have had.
fn exit_of(outcome: &Simulated) -> Exit {
    match outcome {
        Simulated::Commits { .. } | Simulated::Unchanged | Simulated::Duplicate(_) => Exit::Ok,
        Simulated::Rejected(_) => Exit::Rejected,
        Simulated::Conflict(_) => Exit::Conflict,
        Simulated::Parks(_) => Exit::DeadLettered,
        Simulated::ExternalIdReused(_) => Exit::Invalid,
    }
}
