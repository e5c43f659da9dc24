//! Identifies a process, so that other processes on its host can see whether it still runs.

use std::fmt;
use std::fs;
use std::io;
use std::str::FromStr;

/// The file in which Linux identifies this boot. It differs after each start of the machine, and is the same for all
/// containers on it.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// The file that identifies the namespace of process ids: containers have their own.
const NAMESPACE: &str = "/proc/self/ns/pid";

/// The field after the name of the program in `/proc/PID/stat` that says when the process was started.
const STARTED: usize = 19;

/// The id of a process that always runs, and that another user mostly owns.
const FIRST: u32 = 1;

/// A process of this machine. It differs from all others that had or will have its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostProcess {
    /// The boot of the machine and the namespace of the id.
    host: String,
    id: u32,
    /// The time at which it was started, in ticks since the boot.
    started: u64,
}

impl HostProcess {
    /// Returns this process. Returns `None` if the system does not provide the data, or hides the processes of others,
    /// so that a running one cannot be told from one that has ended.
    pub(crate) fn this() -> Option<Self> {
        Self::beside(FIRST)
    }

    /// Returns this process if it can see the process `other`.
    fn beside(other: u32) -> Option<Self> {
        stat(other).ok()?;
        let id = std::process::id();
        Some(Self {
            host: host()?,
            id,
            started: started(&stat(id).ok()?)?,
        })
    }

    /// Returns true if this process has proof that `other` has ended: both are on one host, and no process with the
    /// other's id and start time runs there. A process that has ended and is not yet waited for counts as ended.
    pub(crate) fn sees_end_of(&self, other: &Self) -> bool {
        self.host == other.host && other.has_ended(stat(other.id))
    }

    /// Returns true if what was read proves that the process has ended. An unreadable file proves nothing.
    fn has_ended(&self, stat: io::Result<String>) -> bool {
        match stat {
            Ok(stat) => is_zombie(&stat) || started(&stat).is_some_and(|at| at != self.started),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}

impl fmt::Display for HostProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.host, self.id, self.started)
    }
}

impl FromStr for HostProcess {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.rsplitn(3, ' ');
        let mut next = || parts.next().ok_or(());
        let started = next()?.parse().map_err(drop)?;
        let id = next()?.parse().map_err(drop)?;
        let host = next()?.to_owned();
        Ok(Self { host, id, started })
    }
}

fn host() -> Option<String> {
    let boot = fs::read_to_string(BOOT).ok()?;
    let namespace = fs::read_link(NAMESPACE).ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// Reads the status that Linux shows of a process.
fn stat(id: u32) -> io::Result<String> {
    fs::read_to_string(format!("/proc/{id}/stat"))
}

/// Returns the fields of the status after the name of the program. The name is in parentheses and may hold any
/// characters.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    let behind = stat.rsplit_once(')').map(|(_, behind)| behind);
    behind.unwrap_or_default().split_whitespace()
}

fn is_zombie(stat: &str) -> bool {
    fields(stat)
        .next()
        .is_some_and(|state| matches!(state, "Z" | "X"))
}

fn started(stat: &str) -> Option<u64> {
    fields(stat).nth(STARTED)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn this() -> HostProcess {
        HostProcess::this().unwrap()
    }

    /// Starts a process that ends when its input does.
    fn child() -> (Child, HostProcess) {
        let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = HostProcess {
            id: child.id(),
            started: started(&stat(child.id()).unwrap()).unwrap(),
            ..this()
        };
        (child, process)
    }

    #[test]
    fn a_process_is_gone_once_it_was_killed() {
        let (mut child, process) = child();
        assert!(!this().sees_end_of(&process));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(this().sees_end_of(&process));
        assert_eq!(HostProcess::beside(process.id), None);
    }

    /// The parent of a process may be slow to wait for it.
    #[test]
    fn a_process_that_nobody_has_waited_for_is_gone_too() {
        let (mut child, process) = child();
        child.kill().unwrap();
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !this().sees_end_of(&process) {
            assert!(std::time::Instant::now() < patience, "it is a zombie");
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }

    #[test]
    fn an_id_that_another_process_has_now_proves_that_the_first_is_gone() {
        let before = HostProcess {
            started: this().started - 1,
            ..this()
        };
        assert!(!this().sees_end_of(&this()));
        assert!(this().sees_end_of(&before));
    }

    #[test]
    fn nothing_is_known_of_other_hosts_and_containers() {
        let (boot, namespace) = ("another boot", "pid:[1]");
        let elsewhere = HostProcess {
            host: format!("{boot} {namespace}"),
            started: this().started - 1,
            ..this()
        };
        assert!(!this().sees_end_of(&elsewhere));
    }

    #[test]
    fn what_cannot_be_read_proves_nothing() {
        let has_ended = |stat: io::Result<&str>| this().has_ended(stat.map(str::to_owned));
        assert!(has_ended(Err(io::ErrorKind::NotFound.into())));
        assert!(!has_ended(Err(io::ErrorKind::PermissionDenied.into())));
        // The process ended while the file was read, or its content is unknown.
        assert!(!has_ended(Err(io::Error::from_raw_os_error(3))));
        assert!(!has_ended(Ok("")));
        assert!(!has_ended(Ok("7 (cat) S 1 2")));
    }

    #[test]
    fn it_is_written_and_read_again() {
        assert_eq!(this().to_string().parse(), Ok(this()));
        assert_eq!("a process".parse::<HostProcess>(), Err(()));
    }
}
