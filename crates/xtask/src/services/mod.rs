//! `cargo xtask services`: the databases that tests and benchmarks need, private to this checkout.

mod account;
mod binaries;
mod postgres;

use std::env;
use std::path::{Path, PathBuf};

pub(crate) use postgres::Postgres;

/// What is asked of the services.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chore {
    Up,
    Down,
    Status,
}

/// `up`, `down` or `status`, then options.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let [chore, options @ ..] = arguments else {
        return Err(crate::USAGE.to_owned());
    };
    let chore = match *chore {
        "up" => Chore::Up,
        "down" => Chore::Down,
        "status" => Chore::Status,
        _ => return Err(crate::USAGE.to_owned()),
    };
    let (mut name, mut json) = (None, false);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--json" => json = true,
            "--name" => name = options.next().copied(),
            _ => return Err(crate::USAGE.to_owned()),
        }
    }
    let postgres = Postgres::named(name.unwrap_or("postgres"))?;
    match chore {
        Chore::Up => postgres.up()?,
        Chore::Down => postgres.down()?,
        Chore::Status => {}
    }
    report(&postgres, json);
    Ok(())
}

fn report(postgres: &Postgres, json: bool) {
    let running = postgres.running();
    match (&running, json) {
        (Some(running), true) => println!(
            r#"{{"postgres":{{"running":true,"url":"{}","pid":{}}}}}"#,
            running.url, running.pid
        ),
        (None, true) => println!(r#"{{"postgres":{{"running":false}}}}"#),
        (Some(running), false) => println!("postgres  {}  (pid {})", running.url, running.pid),
        (None, false) => println!("postgres  not running; start it with `cargo xtask services up`"),
    }
}

/// Where the services keep what is theirs: in the folder that cargo builds into.
fn services_folder() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = own.ancestors().nth(2).expect("it is two folders down");
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| "target".into());
    workspace.join(target).join("services")
}
