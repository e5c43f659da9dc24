//! Runs a server in a process of its own, so that its memory, time and descriptors can be measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use seriatim_coordinator::{Coordinator, Settings};
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::faults::FaultyStore;

use crate::rig::{Rig, ServerSettings};
use crate::shutdown::close_gate;
use crate::till::Till;

/// The name of the test that is run as the process.
const MAIN: &str = "own_process::serves_until_its_input_ends";
const SAYS: &str = "listening at ";
/// The variable for a server whose store writes nothing until it is told to, and that bounds nothing itself.
const HELD: &str = "SERIATIM_TEST_HELD";

#[tokio::test]
#[ignore = "not a test: other tests run it as a process of its own"]
async fn serves_until_its_input_ends() {
    // The store is a file, because what is stored must not count as what is in memory.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let file = SqliteStore::open_file(&path).await.unwrap();
    let store = FaultyStore::new(Arc::new(file));
    let coordinator = Coordinator::builder(Arc::new(store.clone()))
        .aggregate::<Till>()
        .settings(Settings {
            cached_bytes: 16 * 1024 * 1024,
            ..Settings::default()
        })
        .start()
        .unwrap();
    let is_held = std::env::var_os(HELD).is_some();
    let settings = match is_held {
        false => ServerSettings::default(),
        true => ServerSettings {
            in_work: 100_000,
            arriving_bytes: 1 << 40,
            arriving_bytes_per_connection: 1 << 40,
            ..ServerSettings::default()
        },
    };
    let rig = Rig::start_on(store, coordinator, |server| server.settings(settings)).await;
    let gate = is_held.then(|| close_gate(&rig));
    println!("\n{SAYS}{}", rig.url);
    if let Some(gate) = gate {
        let told = || std::io::stdin().read_line(&mut String::new());
        tokio::task::spawn_blocking(told).await.unwrap().unwrap();
        gate.open.notify_one();
    }
    let ended = || std::io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(ended).await.unwrap().unwrap();
}

/// A server in a process that ends when this is dropped.
pub(crate) struct OwnProcess {
    child: Child,
    pub(crate) url: String,
}

impl OwnProcess {
    /// Starts a server on an empty SQLite file that keeps 16 MiB of states. `before` is run by the shell that starts
    /// it.
    pub(crate) fn start(before: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("{before}; exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", MAIN])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (say, said) = mpsc::channel();
        // The thread reads to the end, because after a minute the process says that it has been running for so long.
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            for url in lines.filter_map(|line| Some(line.strip_prefix(SAYS)?.to_owned())) {
                // This fails if nobody waits any more.
                let _ = say.send(url);
            }
        });
        // From here on the process is ended whatever happens.
        let mut process = Self {
            child,
            url: String::new(),
        };
        let url = said.recv_timeout(Duration::from_secs(120));
        process.url = url.expect("it did not say where it listens");
        process
    }

    /// Starts one with a store that writes nothing until [`OwnProcess::go_on`], and without the bounds of the server.
    pub(crate) fn start_held() -> Self {
        Self::start(&format!("export {HELD}=1"))
    }

    /// Lets the store write.
    pub(crate) fn go_on(&mut self) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(b"go on\n").unwrap();
    }

    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Returns how many bytes of memory it has.
    pub(crate) fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.unwrap().trim().strip_suffix("kB").unwrap();
        kibibytes.trim().parse::<usize>().unwrap() * 1024
    }

    /// Returns how much time it has spent on a processor, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // After the name, which may hold anything, user and system time are the 12th and 13th, in hundredths.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }
}

impl Drop for OwnProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
