//! `reactions list`, `pause`, `resume`, `begin`.

use seriatim_core::{Begin, Component, OperatorError, Progress, Work};
use seriatim_proto::{CallError, Client};

use crate::args::Reactions;
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
        Reactions::Pause { component, reason } => {
            let work = client.pause(&component, actor.as_deref(), reason.as_deref());
            paused(&work.await.map_err(refused)?, output)
        }
        Reactions::Resume { component } => resume(&component, client, output).await,
        Reactions::Begin { component, at, yes } => {
            begin(&component, &at, yes, client, output).await
        }
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

fn paused(work: &[Work], output: &Output) -> Result<Exit, Failure> {
    output.lines(work, show::work_json, show::paused)?;
    if work.is_empty() {
        output.hint("nothing of it has begun; it is paused from the beginning");
    }
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

async fn begin(
    component: &Component,
    at: &Begin,
    yes: bool,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let all = client.progress().await.map_err(refused)?.into_iter();
    let of_it = all.filter(|progress| progress.checkpoint.work.component == *component);
    let lost: Vec<Progress> = of_it.collect();
    // A component without progress loses nothing; the server says whether there is such a component.
    if !lost.is_empty() && !yes {
        let would = format!("this would forget {}", show::loss(&lost));
        return Err(Failure::new(Exit::Usage, would)
            .with_next("add --yes if that is what you want; nothing was done")
            .with_details(lost.iter().map(show::progress_json).collect()));
    }
    if !lost.is_empty() {
        output.hint(&format!("forgetting {}", show::loss(&lost)));
    }
    let cursor = client.begin(component, at).await.map_err(refused)?;
    output.answer(
        &show::begun_json(component, &cursor),
        &show::begun(component, at),
    )?;
    Ok(Exit::Ok)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
pub(super) fn refused(error: CallError<OperatorError>) -> Failure {
    Failure::of_operator_call(&error)
}
