//! The private PostgreSQL starts once, stops once, and comes back where it was.

use std::process::Command;

fn services(chore: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["services", chore, "--json", "--name", "xtask-test"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn url(status: &str) -> Option<&str> {
    status
        .split('"')
        .find(|text| text.starts_with("postgres://"))
}

#[test]
fn a_service_is_started_once_stopped_once_and_keeps_its_address() {
    services("down");
    let down = services("status");
    assert_eq!(url(&down), None, "{down}");
    let up = services("up");
    let address = url(&up).expect("a server that runs has an address");
    assert_eq!(services("up"), up, "the second time there is nothing to do");
    assert_eq!(services("status"), up);
    assert_eq!(services("down"), down);
    assert_eq!(services("down"), down);
    let again = services("up");
    assert_eq!(url(&again), Some(address));
    assert_ne!(again, up, "it is another process");
    services("down");
}

#[test]
fn a_name_that_would_leave_the_folder_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["services", "up", "--name", "../elsewhere"])
        .output()
        .unwrap();
    assert!(!output.status.success());
}

#[test]
fn a_variable_that_names_no_programs_is_refused_with_its_name() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["services", "up", "--name", "xtask-test"])
        .env("SERIATIM_POSTGRES_BIN", env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("correct SERIATIM_POSTGRES_BIN"), "{said}");
}
