//! `read-models list`, `progress`, `compare`, `switch`, `drop`.

use std::collections::VecDeque;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use seriatim_core::{
    CompareTables, ReadModelOverview, ReadModelVersion, VersionError, VersionStanding,
};
use seriatim_proto::{CallError, Client};
use tokio::signal::ctrl_c;

use crate::args::{CompareReadModel, ReadModels};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, read_models as show};

/// The time after which a person is shown the progress again.
const EVERY: Duration = Duration::from_secs(1);
/// The number of looks back that the rate is counted from, so that it does not jump with every batch.
const LOOKS: usize = 5;

pub(crate) async fn run(
    wanted: ReadModels,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    match wanted {
        ReadModels::List { name } => list(name.as_deref(), client, output).await,
        ReadModels::Progress { version } => progress(&version, client, output).await,
        ReadModels::Compare(compare) => self::compare(compare, client, output).await,
        ReadModels::Switch { version } => switch(&version, client, output).await,
        ReadModels::Drop { version, yes } => drop_version(&version, yes, client, output).await,
    }
}

async fn list(name: Option<&str>, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let all = client.read_models(name).await.map_err(refused)?;
    output.lines(&all, show::json, show::list)?;
    if all.is_empty() {
        output.hint("there are no read models in SQL here");
    }
    Ok(Exit::Ok)
}

/// Shows a person the progress until it is done, or until Ctrl-C.
async fn progress(
    version: &ReadModelVersion,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut now = look(version, client).await?;
    let mut rate = now.progress.rate();
    if stderr().is_terminal() && !output.is_json() {
        let mut before = VecDeque::from([now.progress]);
        let mut enough = std::pin::pin!(ctrl_c());
        while !now.progress.is_done() {
            output.progress(&show::progress_line(&now, rate));
            tokio::select! {
                _ = &mut enough => break,
                () = tokio::time::sleep(EVERY) => {}
            }
            now = look(version, client).await?;
            rate = now.progress.rate_since(&before[0]);
            before.push_back(now.progress);
            if before.len() > LOOKS {
                before.pop_front();
            }
        }
        output.end_of_progress();
    }
    output.answer(&show::json_at(&now, rate), &show::progress(&now, rate))?;
    Ok(Exit::Ok)
}

async fn look(version: &ReadModelVersion, client: &Client) -> Result<ReadModelOverview, Failure> {
    let all = client.read_models(Some(version.name())).await;
    let all = all.map_err(refused)?;
    let known = all.iter().map(|one| one.version.version()).collect();
    let mut all = all.into_iter();
    let found = all.find(|one| one.version == *version);
    found.ok_or_else(|| {
        let version = version.clone();
        refused(CallError::Refused(VersionError::Unknown { version, known }))
    })
}

async fn compare(
    compare: CompareReadModel,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let wanted = CompareTables {
        version: compare.version,
        table: compare.table,
        columns: compare.columns,
    };
    let compared = client.compare_read_model(&wanted).await.map_err(refused)?;
    output.answer(
        &show::compared_json(&wanted.version, &compared),
        &show::compared(&wanted.version, &compared),
    )?;
    if compared.is_equal() {
        return Ok(Exit::Ok);
    }
    let mut tables = compared.tables.iter();
    if tables.any(|(_, comparison)| !comparison.at_same_position) {
        output.hint("they had not handled the same events, which may be why; compare them again");
    }
    Ok(Exit::Different)
}

async fn switch(
    version: &ReadModelVersion,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let all = client.read_models(Some(version.name())).await;
    let all = all.map_err(refused)?;
    let mut live = all
        .iter()
        .filter(|one| one.standing == VersionStanding::Live);
    let before = live
        .next()
        .map(|live| &live.version)
        .filter(|live| *live != version);
    client.switch_read_model(version).await.map_err(refused)?;
    output.answer(
        &show::switched_json(version, before),
        &show::switched(version, before),
    )?;
    Ok(Exit::Ok)
}

async fn drop_version(
    version: &ReadModelVersion,
    yes: bool,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let was = look(version, client).await?;
    // A live version is not dropped anyway; the server says so.
    let is_lost = was.standing != VersionStanding::Live;
    if is_lost && !yes {
        let failure = Failure::new(Exit::Usage, format!("this would drop {}", show::loss(&was)));
        return Err(failure
            .with_next("add --yes if that is what you want; nothing was done")
            .with_details(show::json(&was)));
    }
    if is_lost {
        output.hint(&format!("dropping {}", show::loss(&was)));
    }
    client.drop_read_model(version).await.map_err(refused)?;
    output.answer(&show::json(&was), &show::dropped(version))?;
    Ok(Exit::Ok)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn refused(error: CallError<VersionError>) -> Failure {
    Failure::of_version_call(&error)
}
