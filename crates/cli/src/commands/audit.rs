//! `audit`, which calls no server.

use std::io::{IsTerminal, stderr};
use std::sync::Arc;

use seriatim::{AuditProgress, Unproven};
use seriatim_core::{LogPartition, Position, Store, StoreError, StoreErrorKind};

use crate::args::Audit;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, json, text};

pub(crate) async fn run(wanted: &Audit, output: &Output) -> Result<Exit, Failure> {
    let store = open(&wanted.store).await?;
    let mut read_models = Vec::new();
    for url in &wanted.read_models {
        let other = open(url).await?;
        check_no_log(&*other).await?;
        read_models.push(other);
    }
    let watched = stderr().is_terminal();
    let mut shown = None;
    let show = |progress: &AuditProgress| {
        let line = progress_line(progress);
        if watched && shown.as_ref() != Some(&line) {
            output.progress(&line);
            shown = Some(line);
        }
    };
    let audit = seriatim::audit(&store, &read_models, show).await;
    if watched {
        output.end_of_progress();
    }
    let audit = audit.map_err(|error| no_answer(&error))?;
    let of_other_log = |unproven: &Unproven| matches!(unproven, Unproven::OtherLog { .. });
    if audit.unproven.iter().any(of_other_log) {
        return Err(Failure::new(
            Exit::Usage,
            "this database holds only read models, and nothing to compare them with",
        )
        .with_next("name the store of their events, and this one after `--read-models`"));
    }
    output.answer(&json::audit(&audit), &text::audit(&audit))?;
    Ok(match audit.is_sound() {
        true => Exit::Ok,
        false => Exit::Damaged,
    })
}

async fn open(url: &str) -> Result<Arc<dyn Store>, Failure> {
    check_tables(url).await?;
    let store = seriatim::open_store_to_read(url).await;
    store.map_err(|error| Failure::of_open(&error))
}

/// Progress of another log must not be compared with this one.
async fn check_no_log(store: &dyn Store) -> Result<(), Failure> {
    for partition in LogPartition::all(store.partitions()) {
        let head = store.head(partition).await;
        if head.map_err(|error| no_answer(&error))? > Position::START {
            return Err(Failure::new(
                Exit::Usage,
                "a database after `--read-models` has a log of its own",
            )
            .with_next(
                "leave it out; read models in the store of their events are audited with it",
            ));
        }
    }
    Ok(())
}

/// Here the store is this program's own, so its faults are for the caller to correct.
fn no_answer(error: &StoreError) -> Failure {
    let (exit, next) = match error.kind {
        StoreErrorKind::Unavailable | StoreErrorKind::Full | StoreErrorKind::ReadOnly => {
            (Exit::Unavailable, "run it again")
        }
        StoreErrorKind::Denied => (
            Exit::Denied,
            "grant the account that right, or take another account",
        ),
        StoreErrorKind::Corrupt => (Exit::Damaged, "restore a backup"),
        StoreErrorKind::Refused => (Exit::Unexpected, "please report this"),
    };
    Failure::new(exit, error.to_string()).with_next(next)
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

fn progress_line(progress: &AuditProgress) -> String {
    match progress {
        AuditProgress::Log {
            partition,
            position,
            head,
        } => {
            let done = position.0.min(head.0).saturating_mul(100) / head.0.max(1);
            format!("partition {partition}: {done:3} %, position {position} of {head}")
        }
        AuditProgress::Effects {
            partition,
            position,
        } => format!("effects of partition {partition}: position {position}"),
        AuditProgress::Outcomes { claims, timers } => format!("{claims} claims, {timers} timers"),
    }
}
