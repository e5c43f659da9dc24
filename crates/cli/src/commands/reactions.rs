//! `reactions list`, `parked`, `skipped`, `retry`, `skip`, `resume`.

use seriatim_core::{Component, Decision, OperatorError, StreamId, Will};
use seriatim_proto::{CallError, Client};

use crate::args::{Reactions, Retry, Skip};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, reactions as show};

pub(crate) async fn run(
    wanted: Reactions,
    actor: Option<String>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    match wanted {
        Reactions::List => list(client, output).await,
        Reactions::Parked { component } => parked(component.as_ref(), client, output).await,
        Reactions::Skipped { component, limit } => {
            skipped(component.as_ref(), limit, client, output).await
        }
        Reactions::Retry(retry) => self::retry(retry, actor, client, output).await,
        Reactions::Skip(skip) => self::skip(skip, actor, client, output).await,
        Reactions::Resume { component } => resume(&component, client, output).await,
    }
}

async fn list(client: &Client, output: &Output) -> Result<Exit, Failure> {
    let progress = client.progress().await.map_err(refused)?;
    output.lines(&progress, show::progress_json, show::progress)?;
    if progress.is_empty() {
        output.hint("there are no components, or none has begun");
    }
    Ok(Exit::Ok)
}

async fn parked(
    component: Option<&Component>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let (parked, total) = client.parked(component).await.map_err(refused)?;
    output.lines(&parked, show::parked_json, show::parked)?;
    match total.saturating_sub(parked.len() as u64) {
        0 if total == 0 => output.hint("nothing is parked"),
        0 => {}
        more => output.hint(&format!("... and {more} more; ask for one component")),
    }
    Ok(Exit::Ok)
}

async fn skipped(
    component: Option<&Component>,
    limit: u32,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let skipped = client.skipped(component, limit).await.map_err(refused)?;
    output.lines(&skipped, show::skipped_json, show::skipped)?;
    if skipped.is_empty() {
        output.hint("nothing was skipped");
    }
    Ok(Exit::Ok)
}

async fn retry(
    retry: Retry,
    actor: Option<String>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let Retry {
        component,
        stream,
        at,
        all: _,
    } = retry;
    let Some(stream) = stream else {
        let count = client.retry_all(&component, actor.as_deref()).await;
        let count = count.map_err(refused)?;
        output.answer(&show::retried_json(count), &show::retried(count))?;
        return Ok(Exit::Ok);
    };
    let decision = Decision {
        component,
        stream,
        sequence: at,
        will: Will::Retry,
        actor,
        reason: None,
    };
    decide(&decision, client, output).await
}

async fn skip(
    skip: Skip,
    actor: Option<String>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let decision = Decision {
        component: skip.component,
        stream: skip.stream,
        sequence: Some(skip.at),
        will: Will::Skip,
        actor,
        reason: Some(skip.reason),
    };
    decide(&decision, client, output).await
}

async fn decide(decision: &Decision, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let was = client.decide(decision).await.map_err(refused)?;
    let text = show::decided(decision.will, &was);
    output.answer(&show::parked_json(&was), &text)?;
    let (component, stream): (_, &StreamId) = (&decision.component, &was.stream);
    output.hint(&format!(
        "next: whether {stream} is through shows `seriatim reactions parked {component}`"
    ));
    Ok(Exit::Ok)
}

async fn resume(component: &Component, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let work = client.resume(component).await.map_err(refused)?;
    output.lines(&work, show::work_json, show::resumed)?;
    if work.is_empty() {
        output.hint("nothing of it is paused");
    }
    Ok(Exit::Ok)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
pub(super) fn refused(error: CallError<OperatorError>) -> Failure {
    Failure::of_operator_call(&error)
}
