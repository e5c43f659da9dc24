//! `send`, `record`, `simulate`.

use seriatim_core::{NotHandled, Outcome, Receipt, Simulated};

use crate::args::{Global, RecordAndWait, SendAndWait, Simulate};
use crate::connect::connect;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, json, text};

pub(crate) async fn send(
    wanted: SendAndWait,
    global: &Global,
    output: &Output,
) -> Result<Exit, Failure> {
    let request = input::command(wanted.send, global.actor.clone())?;
    let client = connect(global).await?;
    let answer = match wanted.wait.given() {
        Some(wait) => client.submit_and_wait(&request, &wait).await,
        None => (client.submit(&request).await).map(|receipt| (receipt, Ok(()))),
    };
    let answer = answer.map_err(|error| Failure::of_submit_call(&error, &request.stream));
    let (receipt, waited) = answer?;
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
    let answer = answer.map_err(|error| Failure::of_submit_call(&error, &request.stream));
    let (receipt, waited) = answer?;
    print(&receipt, waited.err().as_ref(), output)
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
    let request = input::command(simulate.send, global.actor.clone())?;
    let answer = connect(global).await?.simulate(&request, at).await;
    let simulation = answer.map_err(|error| Failure::of_submit_call(&error, &request.stream))?;
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
