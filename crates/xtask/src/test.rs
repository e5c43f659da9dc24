//! `cargo xtask test`: what must hold before a change is handed in.

use std::time::Duration;

use crate::browser;
use crate::services;
use crate::step::Step;
use crate::toolchain;

/// The variable that names the database that the tests may fill.
const POSTGRES: &str = "SERIATIM_TEST_POSTGRES";

/// Off by default, so that the example stays quick to build. Named in every step, so that none compiles again what another
/// has compiled with other features.
const POSTGRES_FEATURE: &str = "orders/postgres";

/// The extent of what is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Everything,
    OnlyTests,
    OnlyLong,
}

/// Cheap and frequently wrong first.
const CHECKS: &[Step] = &[
    Step::cargo(&["fmt", "--all", "--check"]),
    Step::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        POSTGRES_FEATURE,
        "--",
        "-D",
        "warnings",
    ]),
    Step::cargo(&["doc", "--workspace", "--no-deps"]).with("RUSTDOCFLAGS", "-D warnings"),
];

/// Also fetches the dependencies of features that are off: the test of the arrows asks for them offline.
const TESTS: &[Step] = &[
    Step::cargo(&["fetch"]),
    Step::cargo(&["test", "--workspace", "--features", POSTGRES_FEATURE]),
];

/// The tests that are slow and rarely run: they are ignored and named `long_...`.
const LONG_TESTS: &[Step] = &[Step::cargo(&[
    "test",
    "--workspace",
    "--features",
    POSTGRES_FEATURE,
    "--no-fail-fast",
    "--",
    "--ignored",
    "--nocapture",
    "long_",
])];

pub(crate) fn run(extent: Extent) -> Result<(), String> {
    toolchain::check_c_compiler()?;
    let checks = match extent {
        Extent::Everything => {
            toolchain::ensure_component("fmt", "rustfmt")?;
            toolchain::ensure_component("clippy", "clippy")?;
            CHECKS
        }
        Extent::OnlyTests | Extent::OnlyLong => &[],
    };
    let tests = match extent {
        Extent::Everything | Extent::OnlyTests => TESTS,
        Extent::OnlyLong => LONG_TESTS,
    };
    let mut times = Vec::new();
    for step in checks {
        times.push((step.in_words(), step.run(&[])?));
    }
    services::pgbouncer::find_or_install()?;
    browser::find_or_install()?;
    services::with_postgres(POSTGRES, |url| {
        for step in tests {
            times.push((step.in_words(), step.run(&[(POSTGRES, url)])?));
        }
        Ok(())
    })?;
    report(&times);
    Ok(())
}

fn report(times: &[(String, Duration)]) {
    eprintln!("\nall good:");
    for (step, time) in times {
        eprintln!("{:7.1} s  {step}", time.as_secs_f64());
    }
}
