//! Leaves nothing behind: neither processes nor files.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Waits for the end of its input, which comes when the guard is dropped, and also when the process that holds it has
/// ended or was killed. A process of the group that has just been killed may write to the folder for a moment longer.
const SCRIPT: &str = "\
trap '' HUP INT TERM
read -r _
kill -KILL \"-$1\"
for again in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf -- \"$2\" && break
    sleep 0.1
done
";

/// The longest time that the guard may take: a little more than its script can.
const LIMIT: Duration = Duration::from_secs(20);

/// A process beside a group of processes. It kills the group and deletes its folder when this is dropped, and also when
/// this process has ended or was killed.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

impl Guard {
    /// Guards the process group `group`, whose files are in `folder`.
    pub(crate) fn of(group: u32, folder: &Path) -> io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "guard", &group.to_string()])
            .arg(folder)
            // An interrupt from the keyboard is for the group of the tests; the guard has still to do its work then.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { shell })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let begun = Instant::now();
        while matches!(self.shell.try_wait(), Ok(None)) && begun.elapsed() < LIMIT {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
