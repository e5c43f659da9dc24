//! `operations list`.

use seriatim_proto::Client;

use super::reactions::refused;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, operations as show};

pub(crate) async fn list(limit: usize, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let (mut found, mut page) = (Vec::new(), None);
    while found.len() < limit {
        let (more, next) = client.operations(page).await.map_err(refused)?;
        found.extend(more);
        page = next;
        if page.is_none() {
            break;
        }
    }
    found.truncate(limit);
    output.lines(&found, show::operation_json, show::operations)?;
    if found.is_empty() {
        output.hint(
            "nothing is recorded; a server records operations if it asks callers who they are",
        );
    }
    Ok(Exit::Ok)
}
