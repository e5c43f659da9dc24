//! The process ChromeDriver.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::BrowserError;
use crate::guard::Guard;
use crate::programs::CHROMEDRIVER;

/// The longest time that it may take to start.
const LIMIT: Duration = Duration::from_secs(60);

/// It becomes the driver when it gets a line, and ends if its input ends before: so nothing runs that is not guarded.
const SCRIPT: &str = "read -r _ && exec \"$@\"";

/// A ChromeDriver and its browsers, which are one group of processes with one folder. They are killed, and the folder
/// is deleted, when this is dropped or when this process ends.
#[derive(Debug)]
pub(crate) struct Driver {
    port: u16,
    folder: PathBuf,
    profiles: AtomicU32,
    process: Mutex<Child>,
    guard: Option<Guard>,
}

impl Driver {
    /// Starts it on a free port of the loopback.
    pub(crate) async fn start() -> Result<Self, BrowserError> {
        let program = CHROMEDRIVER.find()?;
        let failed = |error: io::Error| does_not_start(&error.to_string());
        let folder = tempfile::Builder::new()
            .prefix("seriatim-browser-")
            .tempdir();
        let folder = folder.map_err(failed)?;
        let mut process = command(&program, folder.path()).map_err(failed)?;
        let guard = Guard::of(process.id(), folder.path()).map_err(failed)?;
        let output = process.stdout.take().expect("it is piped");
        let input = process.stdin.take();
        // From here on, the drop of this ends the process and deletes the folder.
        let mut driver = Self {
            port: 0,
            folder: folder.keep(),
            profiles: AtomicU32::new(0),
            process: Mutex::new(process),
            guard: Some(guard),
        };
        input
            .expect("it is piped")
            .write_all(b"\n")
            .map_err(failed)?;
        let port = port(output).await;
        driver.port = port.map_err(|reason| {
            let words = driver.last_words();
            does_not_start(&format!("{reason}\n{words}"))
        })?;
        Ok(driver)
    }

    /// Where it takes commands: a port of the loopback.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A folder for a profile, which does not exist yet.
    pub(crate) fn new_profile(&self) -> PathBuf {
        let number = self.profiles.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("profile-{number}"))
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.process().try_wait(), Ok(None))
    }

    pub(crate) fn kill(&self) {
        let mut process = self.process();
        // It fails if the process has ended, and so does the wait.
        let _ = process.kill();
        let _ = process.wait();
    }

    /// The end of what the driver and its browsers have printed.
    pub(crate) fn last_words(&self) -> String {
        let words = fs::read(self.folder.join(LOG)).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        let lines: Vec<_> = words.lines().rev().take(10).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn process(&self) -> MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // First the guard: it kills the whole group, whose number belongs to the driver until that is waited for.
        drop(self.guard.take());
        self.kill();
    }
}

/// The file of what the driver and its browsers print.
const LOG: &str = "log";

fn command(program: &Path, folder: &Path) -> io::Result<Child> {
    let log = File::create(folder.join(LOG))?;
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", SCRIPT, "driver"])
        .arg(program)
        .args(["--port=0", "--enable-chrome-logs"])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log);
    // Where the browsers keep what does not belong to a profile.
    for variable in ["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        command.env(variable, folder);
    }
    command.spawn()
}

/// The port that the driver says it has chosen. A thread reads on, so that the driver can always print.
async fn port(output: impl Read + Send + 'static) -> Result<u16, String> {
    let (said, hears) = oneshot::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let mut before = Vec::new();
        let port = lines.find_map(|line| {
            let port = port_in(&line);
            before.push(line);
            port
        });
        // Nobody hears it if the limit was reached.
        let _ = said.send(port.ok_or(before));
        lines.for_each(drop);
    });
    match tokio::time::timeout(LIMIT, hears).await {
        Ok(Ok(Ok(port))) => Ok(port),
        Ok(Ok(Err(before))) => Err(format!("it said {before:?} and ended")),
        Ok(Err(_)) => Err("its output cannot be read".to_owned()),
        Err(_) => Err("it has not named its port within a minute".to_owned()),
    }
}

/// `ChromeDriver was started successfully on port 40415.`
fn port_in(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

fn does_not_start(reason: &str) -> BrowserError {
    BrowserError::Start {
        program: CHROMEDRIVER.name,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_port_is_what_the_driver_says() {
        let said = "Starting ChromeDriver 156.0 on port 0\nOnly local connections are allowed.\n\
                    ChromeDriver was started successfully on port 40415.\n";
        assert_eq!(port(said.as_bytes()).await.unwrap(), 40415);
    }

    #[tokio::test]
    async fn a_driver_that_ends_is_quoted() {
        let said = port(&b"cannot bind\n"[..]).await.unwrap_err();
        assert_eq!(said, r#"it said ["cannot bind"] and ended"#);
    }
}
