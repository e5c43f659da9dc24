//! `dead-letters list`, `dead-letters show`.

use seriatim_proto::Client;
use uuid::Uuid;

use crate::args::LetterFilter;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, json, text, three_way};

pub(crate) async fn list(
    filter: LetterFilter,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let filter = seriatim_core::LetterFilter {
        domain: filter.domain,
        stream: filter.stream,
        status: filter.status.map(Into::into),
        after: None,
    };
    let mut any = false;
    let mut page = None;
    loop {
        let answer = client.letters(&filter, page).await;
        let (letters, next) = answer.map_err(|error| Failure::of_query_call(&error))?;
        any |= !letters.is_empty();
        output.lines(&letters, json::letter, text::letters)?;
        page = next;
        if page.is_none() {
            break;
        }
    }
    if !any {
        output.hint("there are none");
    }
    Ok(Exit::Ok)
}

pub(crate) async fn show(id: Uuid, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let answer = client.letter(id).await;
    let view = answer.map_err(|error| Failure::of_query_call(&error))?;
    output.answer(&json::three_way(&view), &three_way::text(&view))?;
    Ok(Exit::Ok)
}
