//! `events`, `state`, `why`, `streams`, `domains`.

use seriatim_core::{At, ChangesQuery, Domain};
use seriatim_proto::Client;

use crate::args::{Events, State, Streams, Why};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, changes, json, schema, text};
use crate::readable::Reader;

/// The most streams that are asked for at once.
const MOST_STREAMS: u32 = 1000;

pub(crate) async fn events(
    wanted: &Events,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let stream = &wanted.stream;
    let answer = match wanted.last {
        Some(count) => client.last_events(stream, count).await,
        None => client.events(stream, wanted.from, wanted.through).await,
    };
    let mut books = answer.map_err(|error| Failure::of_query_call(&error))?;
    let mut reader = Reader::new(client);
    let mut any = false;
    while let Some(events) = books
        .next()
        .await
        .map_err(|error| Failure::of_query_call(&error))?
    {
        any |= !events.is_empty();
        let events = reader.readable(events).await;
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
    if view.sequence.is_none() {
        let stream = &wanted.stream;
        output.hint(match wanted.when.at() {
            At::Current => "there is no such stream yet: this is what it would begin with",
            At::Sequence(_) | At::Time(_) => "the stream had no events then",
        });
        output.hint(&format!(
            "next: find streams with `seriatim streams {}`",
            stream.domain
        ));
    }
    Ok(Exit::Ok)
}

/// Shows the events that changed a field, newest first, until as many as are wanted were found.
pub(crate) async fn why(wanted: &Why, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let mut query = ChangesQuery {
        field: wanted.field.clone().unwrap_or_default(),
        through: wanted.through,
        limit: wanted.limit.get(),
    };
    let mut reader = Reader::new(client);
    let mut is_first = true;
    let mut any = false;
    loop {
        let answer = client.changes(&wanted.stream, &query).await;
        let page = answer.map_err(|error| Failure::of_query_call(&error))?;
        let page = reader.readable(page).await;
        if is_first && wanted.field.is_some() && !output.is_json() {
            output.text(&changes::heading(&query.field, page.value.as_ref()))?;
        }
        is_first = false;
        any |= !page.events.is_empty();
        output.lines(&page.events, changes::json, changes::text)?;
        query.limit -= page.events.len().min(query.limit);
        query.through = page.next;
        if page.next.is_none() {
            break;
        }
        if query.limit == 0 {
            output.hint("there are older ones; --limit shows more");
            break;
        }
    }
    if !any {
        output.hint("no event changed it");
    }
    Ok(Exit::Ok)
}

pub(crate) async fn streams(
    wanted: &Streams,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut left = if wanted.all {
        u32::MAX
    } else {
        wanted.limit.get()
    };
    let mut last = wanted.after.clone();
    loop {
        let token = last.as_ref().map(ToString::to_string);
        let asked = left.min(MOST_STREAMS);
        let answer = client.streams(wanted.domain.as_ref(), asked, token).await;
        let (summaries, next) = answer.map_err(|error| Failure::of_query_call(&error))?;
        output.lines(&summaries, json::stream, text::streams)?;
        left = left.saturating_sub(u32::try_from(summaries.len()).unwrap_or(u32::MAX));
        last = summaries.last().map(|line| line.stream.clone()).or(last);
        match (&last, next) {
            (None, None) => output.hint("there are none"),
            (Some(last), Some(_)) if left == 0 => output.hint(&format!(
                "there are more: go on with --after {last}, or list --all"
            )),
            (_, Some(_)) => continue,
            (Some(_), None) => {}
        }
        return Ok(Exit::Ok);
    }
}

/// Shows what the commands and events of a domain, or of all, look like.
pub(crate) async fn schema(
    domain: Option<&Domain>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let answer = client.schema(domain).await;
    let answer = answer.map_err(|error| Failure::of_query_call(&error))?;
    output.lines(&answer.domains, schema::json, schema::text)?;
    Ok(Exit::Ok)
}

pub(crate) async fn domains(client: &Client, output: &Output) -> Result<Exit, Failure> {
    let answer = client.domains().await;
    let domains = answer.map_err(|error| Failure::of_query_call(&error))?;
    output.lines(&domains, json::domain, text::domains)?;
    Ok(Exit::Ok)
}
