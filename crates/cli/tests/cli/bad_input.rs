//! Command lines that are wrong: exit code 2, and a word about what is allowed.

use crate::stage::{ACCOUNT, run};

/// Nothing listens there: it must not even be asked.
const NOWHERE: &str = "http://127.0.0.1:9";

fn refused(arguments: &[&str], says: &str) {
    let ran = run(NOWHERE, arguments, "").failed(2);
    assert!(ran.stderr.contains(says), "{arguments:?}: {}", ran.stderr);
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    for number in ["-1", "4294967296", "1e3", "three", ""] {
        refused(
            &["state", ACCOUNT, "--at", number],
            "give a whole number from 0 to 4294967295",
        );
        refused(
            &["events", ACCOUNT, "--from", number],
            "give a whole number from 0 to 4294967295",
        );
        refused(
            &["send", ACCOUNT, "Close", "--expect", number],
            "give a sequence (0 to 4294967295), `none` or `any`",
        );
    }
    for timeout in ["-1", "0", "86401", "soon"] {
        refused(
            &["domains", "--timeout", timeout],
            "give a whole number of seconds from 1 to 86400",
        );
    }
}

#[test]
fn a_server_that_cannot_be_reached_so_is_refused_with_the_reason() {
    for (server, why) in [
        ("127.0.0.1:50051", "the scheme is missing"),
        ("localhost", "the scheme is missing"),
        (
            "grpc://127.0.0.1:1",
            "servers are reached by gRPC over http",
        ),
    ] {
        refused(&["domains", "--server", server], why);
        refused(
            &["domains", "--server", server],
            "give it as http://HOST:PORT",
        );
    }
}

#[test]
fn times_without_an_offset_are_refused() {
    for verb in [&["state", ACCOUNT][..], &["simulate", ACCOUNT, "Close"]] {
        for time in ["2026-01-01T00:00:00", "2026-01-01", "noon"] {
            refused(
                &[verb, &["--as-of", time]].concat(),
                "write it as RFC 3339 with its offset, for example `2026-11-21T14:30:00Z`",
            );
        }
    }
}

#[test]
fn streams_that_cannot_be_are_refused() {
    refused(&["state", "account"], "write it as `domain/root`");
    refused(&["state", "account/7"], "`7` is not a UUID");
    refused(
        &["state", "Account/0192d3a4-5b6c-7d8e-9f00-112233445566"],
        "`Account` is not a domain",
    );
    refused(
        &["state", "/0192d3a4-5b6c-7d8e-9f00-112233445566"],
        "the domain is empty",
    );
    refused(
        &["state", &ACCOUNT.replace("account", &"a".repeat(65))],
        "at most 64 are allowed",
    );
    refused(&["state", "account/new"], "`new` is not a UUID");
    refused(&["streams", "Account"], "`Account` is not a domain");
    refused(
        &["dead-letters", "show", "7"],
        "a dead letter's id is a UUID",
    );
}

#[test]
fn content_that_is_no_json_is_refused() {
    refused(
        &["send", ACCOUNT, "Deposit", "{cents:5}"],
        "the content of `Deposit` is not JSON",
    );
    refused(
        &["send", ACCOUNT, "Deposit", "-5 apples"],
        "the content of `Deposit` is not JSON",
    );
    refused(
        &["send", ACCOUNT, "Deposit", "@/no/such/file"],
        "`/no/such/file` cannot be read",
    );
    refused(
        &["send", ACCOUNT, "Deposit", "-"],
        "the content of `Deposit` is not JSON",
    );
}

#[test]
fn options_that_do_not_fit_are_refused() {
    refused(
        &["send", ACCOUNT, "Close", "--merge", "somehow"],
        "strict, commutative, aggregate, manual",
    );
    refused(
        &[
            "state",
            ACCOUNT,
            "--at",
            "1",
            "--as-of",
            "2026-11-21T14:30:00Z",
        ],
        "cannot be used with",
    );
    refused(
        &["state", ACCOUNT, "--as-of", "yesterday"],
        "write it as RFC 3339",
    );
    refused(
        &["record", ACCOUNT, "Closed", "--source", "stripe"],
        "--external-id <KEY>",
    );
    refused(
        &["domains", "--server", "localhost:50051"],
        "give it as http://HOST:PORT",
    );
    for cursor in ["soon", "-1", "1,", ""] {
        refused(
            &["log", "tail", "--from", cursor],
            "give `first`, `now`, a cursor as it came with an event, for example `1042`, or a time as RFC 3339",
        );
    }
    refused(
        &["log", "tail", "--domain", "Order"],
        "`Order` is not a domain",
    );
    refused(&["log", "tail", "--root", "7"], "a root is a UUID");
    refused(&[], "Usage: seriatim");
}

#[test]
fn help_names_every_exit_code() {
    let ran = run(NOWHERE, &["--help"], "").succeeded();
    for line in [
        "3  rejected",
        "4  conflict",
        "5  dead-lettered",
        "7  unavailable",
        "9  denied",
    ] {
        assert!(ran.stdout.contains(line), "{line}");
    }
}
