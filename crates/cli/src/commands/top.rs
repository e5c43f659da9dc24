//! `top`.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use seriatim_core::Timestamp;
use seriatim_proto::Client;
use tokio::signal::ctrl_c;

use super::reactions::refused;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, reactions, top};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// To the upper left corner, and everything from there on away.
const CLEAR: &str = "\x1b[H\x1b[J";

/// On a terminal again and again; a program gets one look.
pub(crate) async fn run(client: &Client, output: &Output) -> Result<Exit, Failure> {
    let mut before = client.progress().await.map_err(refused)?;
    if output.is_json() || !stdout().is_terminal() {
        let text = |lines: &[_]| top::table(lines, &[], Timestamp::now());
        output.lines(&before, reactions::progress_json, text)?;
        return Ok(Exit::Ok);
    }
    let mut enough = std::pin::pin!(ctrl_c());
    loop {
        let pause = tokio::time::sleep(EVERY);
        let looked = async {
            pause.await;
            client.progress().await
        };
        let shown = tokio::select! {
            _ = &mut enough => return Ok(Exit::Ok),
            looked = looked => match looked {
                Ok(now) => {
                    let shown = top::table(&now, &before, Timestamp::now());
                    before = now;
                    shown
                }
                Err(error) => format!("{error}; trying until it works\n"),
            },
        };
        output.write(&format!("{CLEAR}{shown}"))?;
    }
}
