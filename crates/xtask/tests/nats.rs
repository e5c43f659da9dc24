//! The private NATS cluster starts once, mends what is missing, stops once, and comes back where it was.

use std::process::Command;
use std::time::{Duration, Instant};

fn services(chore: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["services", chore, "nats", "--json", "--name", "xtask-test"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn url(status: &str) -> Option<&str> {
    status.split('"').find(|text| text.starts_with("nats://"))
}

fn pids(status: &str) -> Vec<&str> {
    let (_, list) = status.split_once('[').unwrap();
    let (list, _) = list.split_once(']').unwrap();
    list.split(", ").collect()
}

#[test]
fn a_cluster_is_started_once_mended_stopped_once_and_keeps_its_address() {
    services("remove");
    let down = services("status");
    assert_eq!(url(&down), None, "{down}");
    let up = services("up");
    let address = url(&up).expect("a cluster that runs has an address");
    assert_eq!(pids(&up).len(), 3, "{up}");
    assert_eq!(services("up"), up, "the second time there is nothing to do");
    assert_eq!(services("status"), up);

    let killed = Command::new("kill").args(["-KILL", pids(&up)[1]]).status();
    assert!(killed.unwrap().success());
    let give_up = Instant::now() + Duration::from_secs(60);
    while services("status") != down {
        assert!(Instant::now() < give_up, "a killed server is missed");
    }
    let mended = services("up");
    assert_eq!(url(&mended), Some(address));
    let same = pids(&up)
        .iter()
        .zip(pids(&mended))
        .map(|(a, b)| *a == b)
        .collect::<Vec<_>>();
    assert_eq!(same, [true, false, true], "only what is missing is started");

    assert_eq!(services("down"), down);
    assert_eq!(services("down"), down);
    let again = services("up");
    assert_eq!(url(&again), Some(address));
    services("remove");
}

#[test]
fn a_variable_that_names_no_program_is_refused_with_its_name() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["services", "up", "nats", "--name", "xtask-none"])
        .env("SERIATIM_NATS_SERVER", env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("correct SERIATIM_NATS_SERVER"), "{said}");
}
