//! Guide 14, "a merge by hand": each command on the page is run, and prints what the page says.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::Lines;

const PAGE: &str = include_str!("../../../docs/guide/14-a-merge-by-hand.md");

/// The service, which ends with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the service with its story told. Returns it, and its address.
fn service(folder: &Path) -> (Service, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_orders"))
        .current_dir(folder)
        .args(["--store", "memory:", "--listen", "127.0.0.1:0"])
        .args(["--console", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = Lines::of(child.stdout.take().unwrap());
    let service = Service(child);
    let said = lines.until("Ctrl-C ends the service");
    let line = said.iter().find(|line| line.contains("--server http://"));
    let after = line.unwrap().split("--server ").nth(1).unwrap();
    (service, after.split(' ').next().unwrap().to_owned())
}

/// Returns the folder of the command line, which is built if it is not there yet.
fn bin() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_orders")).parent().unwrap();
    if !folder.join("seriatim").exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "-p", "seriatim-cli"])
            .status();
        assert!(built.unwrap().success());
    }
    folder.to_owned()
}

/// Returns the commands of the page, each with what it prints there.
fn commands() -> Vec<(&'static str, Vec<&'static str>)> {
    let blocks = PAGE.split("```text\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in blocks.flat_map(str::lines) {
        match line.strip_prefix("$ ") {
            Some(command) => found.push((command, Vec::new())),
            None => found.last_mut().unwrap().1.push(line),
        }
    }
    for (_, printed) in &mut found {
        while printed.last().is_some_and(|line| line.is_empty()) {
            printed.pop();
        }
    }
    found.retain(|(command, _)| !command.starts_with("cargo run"));
    found
}

/// Replaces what differs from run to run: times, positions, ids of letters, and the spaces that line up beside them.
fn normalised(line: &str, letter: &str) -> String {
    let line = line.replace(letter, "LETTER");
    let words = line.split_whitespace().map(|word| {
        let bare = word.trim_end_matches([',', ':']);
        let is_time = bare.len() >= 20 && bare.ends_with('Z') && bare.contains("T");
        match is_time && bare.starts_with("20") {
            true => word.replace(bare, "TIME"),
            false => word.to_owned(),
        }
    });
    let line = words.collect::<Vec<_>>().join(" ");
    match line.split_once(", position ") {
        Some((before, _)) => format!("{before}, position P"),
        None => line,
    }
}

#[test]
fn the_walk_through_of_the_guide_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let (_service, address) = service(folder.path());
    let path = format!("{}:{}", bin().display(), std::env::var("PATH").unwrap());
    let on_the_page = "01a231ce-1354-7328-ae3a-2f1c162b0a40";
    let mut letter = String::new();
    let commands = commands();
    assert!(commands.len() > 9, "{commands:?}");
    for (command, expected) in commands {
        let ran = Command::new("sh")
            .args(["-c", &command.replace(on_the_page, &letter)])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("SERIATIM_SERVER", &address)
            .output()
            .unwrap();
        let printed = String::from_utf8(ran.stdout).unwrap();
        if let Some((_, after)) = printed.split_once("parked as dead letter ") {
            letter = after.split(':').next().unwrap().to_owned();
        }
        let of_now = if letter.is_empty() {
            "no letter"
        } else {
            &letter
        };
        let printed: Vec<_> = printed
            .lines()
            .map(|line| normalised(line, of_now))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|line| normalised(line, on_the_page))
            .collect();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(printed, expected, "$ {command}\n{said}");
    }
}
