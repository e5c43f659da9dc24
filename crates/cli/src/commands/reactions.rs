//! `reactions list`, `resume`.

use seriatim_core::{Component, OperatorError};
use seriatim_proto::{CallError, Client};

use crate::args::Reactions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, reactions as show};

pub(crate) async fn run(
    wanted: Reactions,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    match wanted {
        Reactions::List => list(client, output).await,
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
