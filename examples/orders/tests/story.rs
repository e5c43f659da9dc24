//! The program as a new user meets it: it tells its story and ends when it is told to.

mod support;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::Lines;

/// Replaces every UUID by `UUID`, and the port by `PORT`.
fn normalised(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let word = match word.split_once("127.0.0.1:") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{before}127.0.0.1:PORT{rest}")
            }
            None => word.to_owned(),
        };
        let is_uuid =
            |text: &str| text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4;
        let (before, last) = word
            .rsplit_once('/')
            .map_or(("", word.as_str()), |(a, b)| (a, b));
        let (id, colon) = last.strip_suffix(':').map_or((last, ""), |id| (id, ":"));
        words.push(match is_uuid(id) {
            true if before.is_empty() => format!("UUID{colon}"),
            true => format!("{before}/UUID{colon}"),
            false => word,
        });
    }
    words.join(" ")
}

#[test]
fn the_story_is_told_and_a_signal_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite://{}", folder.path().join("orders.db").display());
    is_told_twice(&store, folder.path());
}

#[cfg(feature = "postgres")]
#[test]
fn the_same_story_is_told_on_postgresql() {
    let server = std::env::var("SERIATIM_TEST_POSTGRES").expect(
        "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
    );
    let folder = tempfile::tempdir().unwrap();
    let schema = format!("schema=orders_{}", std::process::id());
    is_told_twice(&format!("{server}?{schema}"), folder.path());
}

/// The second time the tables are there already.
fn is_told_twice(store: &str, folder: &Path) {
    let list = folder.join("list.db");
    for time in 1..=2 {
        let mut orders = Command::new(env!("CARGO_BIN_EXE_orders"))
            .args(["--store", store, "--listen", "127.0.0.1:0"])
            .args(["--console", "127.0.0.1:0", "--order-list"])
            .arg(&list)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Lines::of(orders.stdout.take().unwrap());
        let mut told = lines.until("Ctrl-C");
        wait_for_list(&list, &["cancelled", "placed", "shipped"].repeat(time));
        let id = orders.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status();
        assert!(killed.unwrap().success());
        told.extend(lines.rest());
        let told: Vec<_> = told.iter().map(|line| normalised(line)).collect();
        assert!(orders.wait().unwrap().success());
        assert_is_whole(&list);
        if let Some(file) = store.strip_prefix("sqlite://") {
            assert_is_whole(Path::new(file));
        }
        // The first line names the store, which has another name each time.
        assert!(!told[0].contains("seriatim:"), "no password: {}", told[0]);
        let expected: Vec<_> = include_str!("story.txt").lines().collect();
        assert_eq!(told[1..].join("\n"), expected.join("\n"));
    }
}

/// After a clean stop the one file is all there is: its copy is a backup.
fn assert_is_whole(file: &Path) {
    let log = file.with_extension("db-wal");
    let newest = log.metadata().map_or(0, |metadata| metadata.len());
    assert_eq!(newest, 0, "{} has the newest events", log.display());
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(file, &copy).unwrap();
    let url = format!("sqlite://{}", copy.display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let copy = seriatim::open_store(&url).await.unwrap();
        let used = copy.checkpoints(None).await.unwrap();
        assert!(used.iter().any(|one| one.at.position.0 > 0), "{used:?}");
    });
}

/// The list follows the log by itself, and soon is as it should be.
fn wait_for_list(file: &Path, expected: &[&str]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let begun = Instant::now();
    loop {
        let output = Command::new(env!("CARGO_BIN_EXE_orders"))
            .args(["--list", "--json", "--order-list"])
            .arg(file)
            .output()
            .unwrap();
        let list: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let mut found: Vec<_> = list
            .iter()
            .filter_map(|line| line["status"].as_str())
            .collect();
        found.sort_unstable();
        if found == expected {
            let shipped = list
                .iter()
                .find(|line| line["status"] == "shipped")
                .unwrap();
            assert_eq!(
                (&shipped["items"], &shipped["cents"]),
                (&json!(6), &json!(3450))
            );
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it is {found:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An order service in a folder.
fn serve(folder: &Path, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_orders"))
        .args(["--listen", "127.0.0.1:0"])
        .args(more)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The orders of the list, once there are the three of the story.
fn wait_for_three(folder: &Path, more: &[&str]) -> BTreeSet<String> {
    let begun = Instant::now();
    loop {
        let output = Command::new(env!("CARGO_BIN_EXE_orders"))
            .args(["--list", "--json"])
            .args(more)
            .current_dir(folder)
            .output()
            .unwrap();
        let orders: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let orders: BTreeSet<_> = orders
            .iter()
            .map(|line| line["order"].to_string())
            .collect();
        if orders.len() == 3 {
            return orders;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{orders:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn forget_the_orders(folder: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("orders.db{end}")));
    }
}

#[test]
fn whoever_deletes_the_orders_has_a_new_list() {
    let folder = tempfile::tempdir().unwrap();
    let mut lists = Vec::new();
    for _ in 0..2 {
        let mut orders = serve(folder.path(), &[]);
        Lines::of(orders.stdout.take().unwrap()).until("Ctrl-C");
        lists.push(wait_for_three(folder.path(), &[]));
        orders.kill().unwrap();
        orders.wait().unwrap();
        forget_the_orders(folder.path());
    }
    assert!(lists[0].is_disjoint(&lists[1]), "{lists:?}");
}

#[test]
fn a_list_of_other_orders_is_paused_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let list = ["--order-list", "list.db"];
    let mut orders = serve(folder.path(), &list);
    Lines::of(orders.stdout.take().unwrap()).until("Ctrl-C");
    wait_for_three(folder.path(), &list);
    orders.kill().unwrap();
    orders.wait().unwrap();
    forget_the_orders(folder.path());

    let mut orders = serve(folder.path(), &[&list[..], &["--no-story"]].concat());
    let said = Lines::of(orders.stderr.take().unwrap()).until("the log was replaced");
    let said = said.last().unwrap();
    assert!(said.contains("paused work=order_list.v1/0"), "{said}");
    assert!(said.contains("build order_list anew"), "{said}");
    orders.kill().unwrap();
    orders.wait().unwrap();
}

#[test]
fn a_reader_of_the_list_that_wants_no_more_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut orders = serve(folder.path(), &[]);
    Lines::of(orders.stdout.take().unwrap()).until("Ctrl-C");
    wait_for_three(folder.path(), &[]);
    for format in [&["--list"][..], &["--list", "--json"]] {
        let mut list = serve(folder.path(), format);
        // Before it has anything to print.
        drop(list.stdout.take());
        let output = list.wait_with_output().unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
    orders.kill().unwrap();
    orders.wait().unwrap();
}

#[test]
fn the_console_takes_a_free_port_if_another_process_has_its_own() {
    // If somebody else has it, it is taken as well.
    let _taken = TcpListener::bind("127.0.0.1:8081");
    let folder = tempfile::tempdir().unwrap();
    let mut orders = serve(folder.path(), &["--no-story"]);
    let said = Lines::of(orders.stdout.take().unwrap()).until("Ctrl-C");
    let mut lines = said.iter();
    let line = lines.find_map(|line| line.strip_prefix("the console for people is at http://"));
    let line = line.unwrap_or_else(|| panic!("it says where the console is: {said:#?}"));
    let address = line.strip_suffix(" (127.0.0.1:8081 is taken)");
    TcpStream::connect(address.unwrap_or_else(|| panic!("{line}"))).unwrap();
    orders.kill().unwrap();
    orders.wait().unwrap();

    let mut orders = serve(folder.path(), &["--no-story", "--no-console"]);
    let said = Lines::of(orders.stdout.take().unwrap()).until("Ctrl-C");
    assert!(
        !said.iter().any(|line| line.contains("console")),
        "{said:#?}"
    );
    orders.kill().unwrap();
    orders.wait().unwrap();
}

#[test]
fn the_console_shows_the_orders_of_the_story() {
    let folder = tempfile::tempdir().unwrap();
    let mut orders = serve(folder.path(), &["--console", "127.0.0.1:0"]);
    let said = Lines::of(orders.stdout.take().unwrap()).until("Ctrl-C");
    let address = said
        .iter()
        .find_map(|line| line.strip_prefix("the console for people is at http://"));
    let address = address.unwrap_or_else(|| panic!("it says where the console is: {said:#?}"));
    let mut line = TcpStream::connect(address).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    write!(
        line,
        "GET /streams?find=order HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut page = String::new();
    line.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
    assert!(page.matches("order/").count() >= 3, "{page}");
    orders.kill().unwrap();
    orders.wait().unwrap();
}

#[test]
fn a_store_that_is_none_is_refused_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_orders"))
        .args(["--store", "orders.db", "--listen", "127.0.0.1:0"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("give `sqlite://path/to/file.db`"), "{error}");
}
