//! `migrate`, which calls no server.

use seriatim_core::SchemaChange;

use crate::args::Migrate;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, json, text};

pub(crate) async fn run(wanted: &Migrate, output: &Output) -> Result<Exit, Failure> {
    let change = match wanted.check {
        true => seriatim::pending_migrations(&wanted.store).await,
        false => seriatim::migrate(&wanted.store).await,
    };
    let change = change.map_err(|error| Failure::of_open(&error))?;
    let made = !wanted.check;
    output.answer(
        &json::schema_change(&change, made),
        &text::schema_change(&change, made),
    )?;
    Ok(exit(&change, made))
}

fn exit(change: &SchemaChange, made: bool) -> Exit {
    match made || change.migrations.is_empty() {
        true => Exit::Ok,
        false => Exit::Pending,
    }
}
