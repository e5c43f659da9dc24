//! Checks what a person reads when the program cannot start.

use std::net::TcpListener;
use std::process::Command;

#[test]
fn what_is_in_the_way_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    // If it cannot be had, somebody else has it already.
    let _taken = TcpListener::bind("127.0.0.1:50051");
    let why = TcpListener::bind("127.0.0.1:50051").unwrap_err();
    let output = Command::new(env!("CARGO_BIN_EXE_bank"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "Error: cannot listen on `127.0.0.1:50051`: {why}; give another address, or end what listens there\n"
    );
    assert_eq!(said, expected);
}
