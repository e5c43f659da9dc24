//! Runs a test program as a child process, and listens to what it prints.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The longest time that a child may take for its next line, or for its end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A child process. It is killed when this is dropped, so that a test that fails leaves none behind.
pub(crate) struct Child {
    process: std::process::Child,
}

impl Child {
    /// Starts a process. A thread hands each line that it prints to `hear`, which is dropped when the output ends. The
    /// last line of a process that is killed may be cut off, and a test program prints lines of its own.
    pub(crate) fn start(mut command: Command, hear: impl Fn(&str) + Send + 'static) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = command.stderr(Stdio::inherit()).spawn();
        let mut process = started.expect("the program can be started");
        let output = process.stdout.take().expect("it is piped");
        std::thread::spawn(move || {
            let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
            lines.for_each(|line| hear(&String::from_utf8_lossy(&line)));
        });
        Self { process }
    }

    /// Sends the process an empty line.
    pub(crate) fn tell(&mut self) {
        let stdin = self.process.stdin.as_mut().expect("it is piped");
        writeln!(stdin).expect("it listens");
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
    }

    /// Waits until the process has ended.
    ///
    /// # Panics
    /// Panics if it does not end in time.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(end) = self.process.try_wait().expect("it was started") {
                return end;
            }
            assert!(begun.elapsed() < PATIENCE, "a process does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::mpsc::{self, RecvTimeoutError};

    use super::*;

    #[test]
    fn a_child_that_is_dropped_is_killed() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo begun; exec sleep 3600"]);
        let (mouth, ear) = mpsc::channel();
        let child = Child::start(command, move |line| mouth.send(line.to_owned()).unwrap());
        assert_eq!(ear.recv_timeout(PATIENCE).as_deref(), Ok("begun"));
        drop(child);
        let ended = ear.recv_timeout(PATIENCE);
        assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
    }
}
