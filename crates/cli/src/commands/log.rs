//! `log tail`.

use seriatim_core::{Cursor, EventFilter, RecordedEvent};
use seriatim_proto::{Client, Connection, RemoteBatch};
use tokio::signal::ctrl_c;

use crate::args::Tail;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, json, text};
use crate::readable::Reader;

/// Ends at Ctrl-C, by which a person says that it is enough.
pub(crate) async fn tail(wanted: Tail, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let filter = EventFilter {
        domains: wanted.domains,
        types: wanted.types,
        roots: wanted.roots,
        workflows: wanted.workflows,
    };
    let subscribed = client.subscribe(wanted.from, filter).await;
    let notes = output.clone();
    let mut events = subscribed
        .map_err(|error| Failure::of_subscribe_call(&error))?
        .on_connection(move |news| notes.hint(&note(news)));
    if !wanted.until_caught_up {
        output.hint(&format!(
            "following the log after {}; Ctrl-C ends it",
            events.cursor()
        ));
    }
    let mut reader = Reader::new(client);
    let mut enough = std::pin::pin!(enough());
    loop {
        let before = events.cursor().clone();
        let batch = tokio::select! {
            // This comes first: once something is printed, Ctrl-C must be listened to.
            biased;
            () = &mut enough => break,
            batch = events.next() => batch,
        };
        let batch = batch.map_err(|error| Failure::of_subscribe_call(&error))?;
        let caught_up = batch.caught_up;
        let batch = RemoteBatch {
            events: reader.readable(batch.events).await,
            ..batch
        };
        output.lines(
            &places(before, batch),
            json::logged_event,
            text::logged_events,
        )?;
        if caught_up && wanted.until_caught_up {
            break;
        }
    }
    output.hint(&format!(
        "next: go on from here with --from {}",
        events.cursor()
    ));
    Ok(Exit::Ok)
}

/// Prints each event with the cursor after it, so that a reader who stops in the middle can continue there.
fn places(mut cursor: Cursor, batch: RemoteBatch) -> Vec<(RecordedEvent, Cursor)> {
    let place = |event: RecordedEvent| {
        cursor.pass(&event);
        (event, cursor.clone())
    };
    batch.events.into_iter().map(place).collect()
}

async fn enough() {
    if ctrl_c().await.is_err() {
        // If that fails, nobody is told, and the program ends as programs do.
        std::future::pending::<()>().await;
    }
}

fn note(news: &Connection) -> String {
    match news {
        Connection::Lost(error) => format!("{error}; trying until it works"),
        Connection::Restored => "connected again; nothing was missed".into(),
    }
}
