//! Checks what a person reads when the program cannot start.

use std::net::TcpListener;
use std::process::Command;

/// Runs the program in a folder of its own, where it fails. Returns what it says on stderr.
fn said(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_orders"))
        .current_dir(folder.path())
        .args(arguments)
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_in_the_way_is_said_in_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let why = TcpListener::bind(&address).unwrap_err();
    let expected = format!(
        "Error: cannot listen on `{address}`: {why}; give another address, or end what listens there\n"
    );
    assert_eq!(said(&["--listen", &address]), expected);
    let said = said(&["--store", "sqlite:///nowhere/at/all/orders.db"]);
    assert!(said.starts_with("Error: "), "{said}");
    assert!(said.contains("`/nowhere/at/all/orders.db`"), "{said}");
    // Nothing of the inside of a type.
    assert!(!said.contains(['{', '"']), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
