//! Whatever ends, nothing hangs and nothing is left.

mod support;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use seriatim_browser::Browser;

use support::{html, serve};

/// The longest time for which a test waits; a command to the driver takes 90 seconds at most.
const PATIENCE: Duration = Duration::from_secs(120);

/// How the child process ends that a test of this file starts.
const ENDING: &str = "SERIATIM_BROWSER_ENDING";

/// A script of the page has reached the server.
static REACHED: AtomicBool = AtomicBool::new(false);

fn site(path: &str) -> Option<String> {
    REACHED.fetch_or(path == "/reached", Ordering::Relaxed);
    Some(html("<p>here"))
}

#[tokio::test]
async fn a_driver_that_is_killed_fails_what_waits_for_it_and_another_one_starts() {
    let browser = Browser::start().await.unwrap();
    let url = serve(site).await;
    let page = browser.open(&url).await.unwrap();
    let for_ever = page.execute("await fetch('/reached'); await new Promise(() => {})", []);
    let kill = async {
        while !REACHED.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        browser.kill();
    };
    let (waited, ()) = soon(async { tokio::join!(for_ever, kill) }).await;
    waited.unwrap_err();
    let said = soon(page.text("p")).await.unwrap_err().to_string();
    assert!(said.starts_with("text of p: "), "{said}");
    soon(browser.open(&url)).await.unwrap_err();

    let another = Browser::start().await.unwrap();
    drop((page, browser));
    let page = another.open(&url).await.unwrap();
    assert_eq!(page.text("p").await.unwrap(), "here");
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, what).await;
    waited.expect("it did not come in two minutes")
}

#[tokio::test]
#[ignore = "other tests start it as a child process"]
async fn child() {
    let ending = env::var(ENDING).expect("another test says how it ends");
    let browser = Browser::start().await.unwrap();
    let page = browser.open("about:blank").await.unwrap();
    println!("\nready");
    match ending.as_str() {
        "killed" => std::future::pending().await,
        "panics" => panic!("with {page:?}"),
        "aborts" => std::process::abort(),
        _ => drop(page),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_test_process_leaves_nothing_behind_however_it_ends() {
    for ending in ["killed", "panics", "aborts", "returns"] {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = start_child(ending, temporary.path());
        if ending == "killed" {
            // The driver, its guard, and a browser of several processes.
            let there = processes_of(temporary.path());
            assert!(there.len() > 3, "{there:?}");
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        assert_eq!(status.success(), ending == "returns", "{ending}: {status}");
        let begun = Instant::now();
        loop {
            let processes = processes_of(temporary.path());
            let files = fs::read_dir(temporary.path()).unwrap().count();
            if processes.is_empty() && files == 0 {
                break;
            }
            let in_time = begun.elapsed() < PATIENCE;
            assert!(in_time, "{ending}: {files} files and {processes:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Returns a test process that has a page open, or has already ended after that.
fn start_child(ending: &str, temporary: &Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "child", "--nocapture"])
        .env(ENDING, ending)
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let ready = lines.any(|line| line == "ready");
    // It may print what it wants to; nobody reads it.
    std::thread::spawn(move || lines.for_each(drop));
    assert!(ready, "{ending}: {:?}", child.wait());
    child
}

/// The processes that name a folder in their arguments or their environment; those that have ended name nothing.
fn processes_of(folder: &Path) -> Vec<u32> {
    let own = std::process::id();
    let folder = folder.to_str().unwrap();
    let names = |process: &u32, file: &str| {
        let words = fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(folder)
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .filter(|process| *process != own)
        .filter(|process| names(process, "cmdline") || names(process, "environ"))
        .collect()
}
