//! `workflow`.

use seriatim_core::Begin;
use seriatim_proto::Client;

use crate::args::Workflow;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, workflow as show};
use crate::readable::Reader;

/// Shows all parts of a workflow that the log has now, one after another.
pub(crate) async fn workflow(
    wanted: &Workflow,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut reader = Reader::new(client);
    let mut begin = wanted.from.clone();
    let mut letters = Vec::new();
    let mut first = None;
    loop {
        let answer = client.workflow(&wanted.id, begin.as_ref()).await;
        let (page, of_page) = answer.map_err(|error| Failure::of_subscribe_call(&error))?;
        let page = reader.readable(page).await;
        first = first.or(page.events.first().map(|event| event.recorded_at));
        output.lines(&page.events, show::event_json, |events| {
            show::events(events, first)
        })?;
        for letter in of_page {
            if !letters.contains(&letter) {
                letters.push(letter);
            }
        }
        match page.next {
            Some(next) => begin = Some(Begin::After(next)),
            None => break,
        }
    }
    if !letters.is_empty() {
        output.lines(&letters, show::letter_json, show::letters)?;
    } else if first.is_none() {
        output.hint(
            "nothing that you may see belongs to it; if it is older than its id says, give --from",
        );
    }
    Ok(Exit::Ok)
}
