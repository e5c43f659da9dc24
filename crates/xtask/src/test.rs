//! `cargo xtask test`: what must hold before a change is handed in.

use std::env;
use std::time::Duration;

use crate::services::Postgres;
use crate::step::Step;
use crate::toolchain;

/// Where the tests find the database they may fill.
const POSTGRES: &str = "SERIATIM_TEST_POSTGRES";

/// How much is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Everything,
    OnlyTests,
}

/// Cheap and frequently wrong first.
const CHECKS: &[Step] = &[
    Step::cargo(&["fmt", "--all", "--check"]),
    Step::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]),
    Step::cargo(&["doc", "--workspace", "--no-deps"]).with("RUSTDOCFLAGS", "-D warnings"),
];

/// Also fetches the dependencies of features that are off: the test of the arrows asks for them offline.
const TESTS: &[Step] = &[
    Step::cargo(&["fetch"]),
    Step::cargo(&["test", "--workspace"]),
    // Off by default, so that the example stays quick to build.
    Step::cargo(&["test", "--package", "orders", "--features", "postgres"]),
];

pub(crate) fn run(extent: Extent) -> Result<(), String> {
    toolchain::check_c_compiler()?;
    let checks = match extent {
        Extent::Everything => {
            toolchain::ensure_component("fmt", "rustfmt")?;
            toolchain::ensure_component("clippy", "clippy")?;
            CHECKS
        }
        Extent::OnlyTests => &[],
    };
    let mut times = Vec::new();
    for step in checks {
        times.push((step.in_words(), step.run(&[])?));
    }
    with_postgres(|url| {
        for step in TESTS {
            times.push((step.in_words(), step.run(&[(POSTGRES, url)])?));
        }
        Ok(())
    })?;
    report(&times);
    Ok(())
}

/// Leaves the service as it was found. A database that the variable names already is used instead.
fn with_postgres(tests: impl FnOnce(&str) -> Result<(), String>) -> Result<(), String> {
    if let Ok(url) = env::var(POSTGRES) {
        return tests(&url);
    }
    let postgres = Postgres::named("postgres")?;
    let was_running = postgres.running().is_some();
    postgres.up()?;
    let running = postgres.running();
    let url = running.ok_or("PostgreSQL has ended; see `cargo xtask services status`")?;
    let result = tests(&url.url);
    if !was_running {
        postgres.down()?;
    }
    result.map_err(|message| match was_running {
        true => message,
        false => format!("{message}\nafter `cargo xtask services up`"),
    })
}

fn report(times: &[(String, Duration)]) {
    eprintln!("\nall good:");
    for (step, time) in times {
        eprintln!("{:7.1} s  {step}", time.as_secs_f64());
    }
}
