//! `cargo xtask services`: the databases that tests and benchmarks need, private to this checkout.

mod account;
mod binaries;
mod left_lock;
pub(crate) mod pgbouncer;
mod postgres;

use std::env;
use std::path::{Path, PathBuf};

use postgres::Postgres;

/// A chore that the services are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chore {
    Up,
    Down,
    Remove,
    Status,
}

/// `up`, `down`, `remove` or `status`, then options.
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

/// The folder of the services, inside the folder that cargo builds into.
fn services_folder() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = own.ancestors().nth(2).expect("it is two folders down");
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| "target".into());
    workspace.join(target).join("services")
}
