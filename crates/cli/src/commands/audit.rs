//! `audit`, which asks no server.

use std::io::{IsTerminal, stderr};

use seriatim::AuditProgress;

use crate::args::Audit;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, json, text};

pub(crate) async fn run(wanted: &Audit, output: &Output) -> Result<Exit, Failure> {
    check_tables(&wanted.store).await?;
    let store = seriatim::open_store(&wanted.store).await;
    let store = store.map_err(|error| Failure::of_open(&error))?;
    let watched = stderr().is_terminal();
    let mut shown = None;
    let show = |progress: &AuditProgress| {
        let percent = percent(progress);
        if watched && shown != Some(percent) {
            shown = Some(percent);
            output.talk(&format!(
                "\r  partition {}: {percent:3} %, position {} of {}\x1b[K",
                progress.partition, progress.position, progress.head
            ));
        }
    };
    let audit = seriatim::audit(&store, show).await;
    if watched {
        output.talk("\r\x1b[K");
    }
    let audit = audit.map_err(|error| {
        Failure::new(Exit::Unavailable, error.to_string()).with_next("run it again")
    })?;
    output.answer(&json::audit(&audit), &text::audit(&audit))?;
    Ok(match audit.is_sound() {
        true => Exit::Ok,
        false => Exit::Damaged,
    })
}

/// An audit changes nothing, so it does not bring the tables up to date either.
async fn check_tables(store: &str) -> Result<(), Failure> {
    let pending = seriatim::pending_migrations(store).await;
    let pending = pending.map_err(|error| Failure::of_open(&error))?;
    if pending.migrations.is_empty() {
        return Ok(());
    }
    let message = match pending.before {
        0 => "there are no tables in this store",
        _ => "the tables of this store are older than this program",
    };
    Err(Failure::new(Exit::Pending, message)
        .with_next("name the right store, or run `seriatim migrate`"))
}

fn percent(progress: &AuditProgress) -> u64 {
    let done = progress.position.0.min(progress.head.0);
    done.saturating_mul(100) / progress.head.0.max(1)
}
