//! `send`, `record`, `simulate`.

use seriatim_core::{Outcome, Receipt, Simulated};

use super::connect;
use crate::args::{Global, Record, Send, Simulate};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, json, text};

pub(crate) async fn send(send: Send, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let request = input::command(send, global.actor.clone())?;
    let answer = connect(global).await?.submit(&request).await;
    let receipt = answer.map_err(|error| Failure::of_submit_call(&error, &request.stream))?;
    print(&receipt, output)
}

pub(crate) async fn record(
    record: Record,
    global: &Global,
    output: &Output,
) -> Result<Exit, Failure> {
    let request = input::fact(record, global.actor.clone())?;
    let answer = connect(global).await?.record(&request).await;
    let receipt = answer.map_err(|error| Failure::of_submit_call(&error, &request.stream))?;
    print(&receipt, output)
}

fn print(receipt: &Receipt, output: &Output) -> Result<Exit, Failure> {
    output.answer(&json::receipt(receipt), &text::receipt(receipt))?;
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
    let request = input::command(simulate.send, global.actor.clone())?;
    let answer = connect(global).await?.simulate(&request, at).await;
    let simulation = answer.map_err(|error| Failure::of_submit_call(&error, &request.stream))?;
    output.answer(
        &json::simulation(&simulation),
        &text::simulation(&simulation),
    )?;
    Ok(exit_of(&simulation.outcome))
}

/// The same as if it had been sent.
fn exit_of(outcome: &Simulated) -> Exit {
    match outcome {
        Simulated::Commits { .. } | Simulated::Unchanged | Simulated::Duplicate(_) => Exit::Ok,
        Simulated::Rejected(_) => Exit::Rejected,
        Simulated::Conflict(_) => Exit::Conflict,
        Simulated::Parks(_) => Exit::DeadLettered,
        Simulated::ExternalIdReused(_) => Exit::Invalid,
    }
}
