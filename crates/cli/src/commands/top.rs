//! `top`.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use seriatim_core::{
    LetterFilter, LetterKind, LetterStatus, ListedLetter, OperatorError, Timestamp,
};
use seriatim_proto::{CallError, Client, Page};
use tokio::signal::ctrl_c;

use super::reactions::refused;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::lines::Lines;
use crate::output::{Output, reactions, top};

/// The time between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// On a terminal it looks repeatedly; a program gets one look.
pub(crate) async fn run(client: &Client, output: &Output) -> Result<Exit, Failure> {
    let mut before = client.progress().await.map_err(refused)?;
    if output.is_json() {
        output.lines(&before, reactions::progress_json, |_| Lines::default())?;
        return Ok(Exit::Ok);
    }
    let commands = parked_commands(client).await.map_err(refused)?;
    let now = Timestamp::now();
    if !stdout().is_terminal() {
        output.text(&top::view(&before, &[], &commands, now))?;
        return Ok(Exit::Ok);
    }
    let mut enough = std::pin::pin!(ctrl_c());
    loop {
        let pause = tokio::time::sleep(EVERY);
        let looked = async {
            pause.await;
            Ok::<_, CallError<_>>((client.progress().await?, parked_commands(client).await?))
        };
        let shown = tokio::select! {
            _ = &mut enough => return Ok(Exit::Ok),
            looked = looked => match looked {
                Ok((progress, commands)) => {
                    let now = Timestamp::now();
                    let shown = top::view(&progress, &before, &commands, now);
                    before = progress;
                    shown
                }
                Err(error) => Lines::of(&format!("{error}; trying until it works")),
            },
        };
        output.screen(&shown)?;
    }
}

/// Returns the first page of the commands that wait for a person. Events that components gave up are in the components'
/// own lines.
async fn parked_commands(client: &Client) -> Result<Page<ListedLetter>, CallError<OperatorError>> {
    let waiting = LetterFilter {
        kind: Some(LetterKind::Command),
        status: Some(LetterStatus::Parked),
        ..LetterFilter::default()
    };
    client.letters(&waiting, None).await
}
