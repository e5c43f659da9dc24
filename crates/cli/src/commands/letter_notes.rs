//! `dead-letters faults`, `annotate`, `assign`, `unassign`.

use seriatim_core::{Annotate, Assignee};
use seriatim_proto::Client;
use uuid::Uuid;

use super::dead_letters::filter;
use super::reactions::refused;
use crate::args::{About, Assign};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, letter_notes as show};

/// The most faults that a server counts if it is not asked for another number.
const MOST: usize = 100;

pub(super) async fn faults(
    about: About,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let groups = client.fault_groups(&filter(about, None, false)).await;
    let groups = groups.map_err(refused)?;
    output.lines(&groups, show::group_json, show::groups)?;
    match groups.len() {
        0 => output.hint("nothing of that waits"),
        MOST => output.hint(
            "there may be more with fewer letters; choose a --domain or a --component to see them",
        ),
        _ => {}
    }
    Ok(Exit::Ok)
}

pub(super) async fn assign(
    wanted: Assign,
    actor: Option<String>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let what = Annotate::Assign {
        to: Assignee::Person(wanted.name),
        from: wanted.from,
    };
    annotate(wanted.id, &what, actor, client, output).await
}

pub(super) async fn annotate(
    id: Uuid,
    what: &Annotate,
    actor: Option<String>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let added = client.annotate(id, what, actor.as_deref()).await;
    let added = added.map_err(refused)?;
    output.answer(&show::annotation_json(&added), &show::annotated(id, &added))?;
    Ok(Exit::Ok)
}
