//! `cargo xtask services`: the databases that tests and benchmarks need, private to this checkout.

mod account;
mod binaries;
mod left_lock;
mod nats;
mod nats_server;
pub(crate) mod pgbouncer;
mod postgres;
mod private;

use std::env;
use std::path::{Path, PathBuf};

use nats::Nats;
use postgres::Postgres;

/// A chore that the services are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chore {
    Up,
    Down,
    Remove,
    Status,
}

/// `up`, `down`, `remove` or `status`, then `nats` for the other service than PostgreSQL, then options.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let [chore, options @ ..] = arguments else {
        return Err(crate::USAGE.to_owned());
    };
    let chore = match *chore {
        "up" => Chore::Up,
        "down" => Chore::Down,
        "remove" => Chore::Remove,
        "status" => Chore::Status,
        _ => return Err(crate::USAGE.to_owned()),
    };
    match options {
        ["nats", options @ ..] => run_nats(chore, options),
        _ => run_postgres(chore, options),
    }
}

fn run_nats(chore: Chore, options: &[&str]) -> Result<(), String> {
    let (mut name, mut json) = (None, false);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--json" => json = true,
            "--name" => name = options.next().copied(),
            _ => return Err(crate::USAGE.to_owned()),
        }
    }
    let nats = Nats::named(name.unwrap_or("nats"))?;
    match chore {
        Chore::Up => nats.up()?,
        Chore::Down => nats.down()?,
        Chore::Remove => nats.remove()?,
        Chore::Status => {}
    }
    report_nats(&nats, json)
}

fn report_nats(nats: &Nats, json: bool) -> Result<(), String> {
    match (nats.running()?, json) {
        (Some(running), true) => println!(
            r#"{{"nats":{{"running":true,"url":"{}","pids":{:?}}}}}"#,
            running.url, running.pids
        ),
        (None, true) => println!(r#"{{"nats":{{"running":false}}}}"#),
        (Some(running), false) => println!("nats  {}  (pids {:?})", running.url, running.pids),
        (None, false) => {
            println!("nats  not running; start it with `cargo xtask services up nats`");
        }
    }
    Ok(())
}

fn run_postgres(chore: Chore, options: &[&str]) -> Result<(), String> {
    let (mut name, mut primary, mut json) = (None, None, false);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--json" => json = true,
            "--name" => name = options.next().copied(),
            "--standby-of" if chore == Chore::Up => primary = options.next().copied(),
            _ => return Err(crate::USAGE.to_owned()),
        }
    }
    let postgres = Postgres::named(name.unwrap_or("postgres"))?;
    match chore {
        Chore::Up => match primary {
            Some(primary) => postgres.up_as_standby_of(&Postgres::named(primary)?)?,
            None => postgres.up()?,
        },
        Chore::Down => postgres.down()?,
        Chore::Remove => postgres.remove()?,
        Chore::Status => {}
    }
    report(&postgres, json)
}

fn report(postgres: &Postgres, json: bool) -> Result<(), String> {
    let running = postgres.running()?;
    match (&running, json) {
        (Some(running), true) => println!(
            r#"{{"postgres":{{"running":true,"url":"{}","pid":{}}}}}"#,
            running.url, running.pid
        ),
        (None, true) => println!(r#"{{"postgres":{{"running":false}}}}"#),
        (Some(running), false) => println!("postgres  {}  (pid {})", running.url, running.pid),
        (None, false) => println!("postgres  not running; start it with `cargo xtask services up`"),
    }
    Ok(())
}

/// Gives `work` the URL of a PostgreSQL: of the one that `variable` names, or else of the private one, which is left
/// as it was found.
pub(crate) fn with_postgres(
    variable: &str,
    work: impl FnOnce(&str) -> Result<(), String>,
) -> Result<(), String> {
    if let Ok(url) = env::var(variable) {
        return work(&url);
    }
    let postgres = Postgres::named("postgres")?;
    let was_running = postgres.running()?.is_some();
    postgres.up()?;
    let running = postgres.running()?;
    let url = running.ok_or("PostgreSQL has ended; see `cargo xtask services status`")?;
    let result = work(&url.url);
    if !was_running {
        postgres.down()?;
    }
    result.map_err(|message| match was_running {
        true => message,
        false => format!("{message}\nafter `cargo xtask services up`"),
    })
}

/// A service's name is a part of the name of its folder.
fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match !name.is_empty() && name.chars().all(plain) {
        true => Ok(()),
        false => Err(format!(
            "`{name}` cannot be the name of a service; use letters, digits and `-`"
        )),
    }
}

/// The folder of the services, inside the folder that cargo builds into.
fn services_folder() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = own.ancestors().nth(2).expect("it is two folders down");
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| "target".into());
    workspace.join(target).join("services")
}
