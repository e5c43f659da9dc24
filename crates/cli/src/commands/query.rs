//! `events`, `state`, `streams`, `domains`.

use seriatim_core::Domain;
use seriatim_proto::Client;

use crate::args::{Events, State};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, json, text};

pub(crate) async fn events(
    wanted: &Events,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let answer = client
        .events(&wanted.stream, wanted.from, wanted.through)
        .await;
    let mut books = answer.map_err(|error| Failure::of_query_call(&error))?;
    let mut any = false;
    while let Some(events) = books
        .next()
        .await
        .map_err(|error| Failure::of_query_call(&error))?
    {
        any |= !events.is_empty();
        output.lines(&events, json::event, text::event_lines)?;
    }
    if !any {
        output.hint("there are none");
    }
    Ok(Exit::Ok)
}

pub(crate) async fn state(
    wanted: &State,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let answer = client.state(&wanted.stream, wanted.when.at()).await;
    let view = answer.map_err(|error| Failure::of_query_call(&error))?;
    output.answer(&json::state(&view), &text::state(&view))?;
    Ok(Exit::Ok)
}

pub(crate) async fn streams(
    domain: Option<&Domain>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut any = false;
    let mut page = None;
    loop {
        let answer = client.streams(domain, page).await;
        let (summaries, next) = answer.map_err(|error| Failure::of_query_call(&error))?;
        any |= !summaries.is_empty();
        output.lines(&summaries, json::stream, text::streams)?;
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

pub(crate) async fn domains(client: &Client, output: &Output) -> Result<Exit, Failure> {
    let answer = client.domains().await;
    let domains = answer.map_err(|error| Failure::of_query_call(&error))?;
    output.lines(&domains, json::domain, text::domains)?;
    Ok(Exit::Ok)
}
