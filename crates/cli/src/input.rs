//! Turns what was typed into what is sent.

use std::fs;
use std::io::{self, Read};

use serde::de::IgnoredAny;
use seriatim_core::{
    CommandRequest, FactOrigin, FactRequest, Metadata, NewFact, Payload, Timestamp,
};
use uuid::Uuid;

use crate::args::{Record, Send};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::values::Source;

/// Makes the command to send or to simulate.
pub(crate) fn command(send: Send, actor: Option<String>) -> Result<CommandRequest, Failure> {
    let payload = payload(send.type_name, &send.content)?;
    Ok(CommandRequest {
        expected: send.expect,
        merge: send.merge.map(Into::into),
        premises: send.premises,
        metadata: Metadata {
            correlation_id: send.correlation_id,
            external_id: send.external_id,
            actor,
            sent_at: Some(Timestamp::now()),
            ..Metadata::default()
        },
        ..CommandRequest::new(send.stream.0, payload)
    })
}

/// Makes the fact to record.
pub(crate) fn fact(record: Record, actor: Option<String>) -> Result<FactRequest, Failure> {
    Ok(FactRequest {
        id: Uuid::now_v7(),
        stream: record.stream.0,
        facts: vec![NewFact {
            payload: payload(record.type_name, &record.content)?,
            origin: FactOrigin {
                source: record.source,
                description: record.description,
            },
        }],
        route_to_aggregate: record.no_route.then_some(false),
        metadata: Metadata {
            correlation_id: record.correlation_id,
            external_id: Some(record.external_id),
            actor,
            sent_at: Some(Timestamp::now()),
            ..Metadata::default()
        },
        effect: None,
    })
}

pub(crate) fn payload(type_name: String, source: &Source) -> Result<Payload, Failure> {
    let text = read(source)?;
    // The content is only checked and sent unchanged, so that long numbers stay exact.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(&text) {
        let next =
            "put it in single quotes, for example '{\"cents\":50}', or in a file: @command.json";
        return Err(Failure::new(
            Exit::Usage,
            format!("the content of `{type_name}` is not JSON: {error}"),
        )
        .with_next(next));
    }
    Ok(Payload::json(type_name, text))
}

fn read(source: &Source) -> Result<String, Failure> {
    let (what, text) = match source {
        Source::Text(text) => return Ok(text.clone()),
        Source::Stdin => {
            let mut text = String::new();
            (
                "stdin".to_owned(),
                io::stdin().read_to_string(&mut text).map(|_| text),
            )
        }
        Source::File(path) => (format!("`{}`", path.display()), fs::read_to_string(path)),
    };
    text.map_err(|error| {
        Failure::new(Exit::Usage, format!("{what} cannot be read: {error}"))
            .with_next("give the JSON itself, `-` for stdin, or `@FILE`")
    })
}
