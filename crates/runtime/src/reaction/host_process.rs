//! A process, so that others on its host can see whether it still runs.

use std::fmt;
use std::fs;
use std::str::FromStr;

/// The file in which Linux identifies this boot. It differs after each start of the machine, and is the same for all
/// containers on it.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// The file that identifies the namespace of process ids: containers have their own.
const NAMESPACE: &str = "/proc/self/ns/pid";

/// The field after the name of the program in `/proc/PID/stat` that says when the process was started.
const STARTED: usize = 19;

/// A process of this machine, which differs from all others that had or will have its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostProcess {
    /// The boot of the machine and the namespace of the id.
    host: String,
    id: u32,
    /// When it was started, in ticks since the boot.
    started: u64,
}

impl HostProcess {
    /// Returns this process; `None` if the system does not say what is needed.
    pub(crate) fn this() -> Option<Self> {
        let id = std::process::id();
        Some(Self {
            host: host()?,
            id,
            started: started(id)?,
        })
    }

    /// Returns whether it is proven to have ended: it was on this host, and no process with its id and start time runs
    /// there. A process that has ended and is not yet waited for has ended.
    pub(crate) fn is_gone(&self) -> bool {
        host().is_some_and(|host| host == self.host) && started(self.id) != Some(self.started)
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

/// Returns when a running process was started; `None` if there is none.
fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name of the program is in parentheses and may hold any characters.
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace();
    let state = fields.clone().next()?;
    let has_ended = matches!(state, "Z" | "X");
    if has_ended {
        return None;
    }
    fields.nth(STARTED)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Ends when its input does.
    fn child() -> (Child, HostProcess) {
        let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = HostProcess {
            id: child.id(),
            started: started(child.id()).unwrap(),
            ..HostProcess::this().unwrap()
        };
        (child, process)
    }

    #[test]
    fn a_process_is_gone_once_it_was_killed() {
        let (mut child, process) = child();
        assert!(!process.is_gone());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(process.is_gone());
    }

    /// Its parent may be slow to look.
    #[test]
    fn a_process_that_nobody_has_waited_for_is_gone_too() {
        let (mut child, process) = child();
        child.kill().unwrap();
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !process.is_gone() {
            assert!(std::time::Instant::now() < patience, "it is a zombie");
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }

    #[test]
    fn an_id_that_another_process_has_now_proves_that_the_first_is_gone() {
        let this = HostProcess::this().unwrap();
        let before = HostProcess {
            started: this.started - 1,
            ..this.clone()
        };
        assert!(!this.is_gone());
        assert!(before.is_gone());
    }

    #[test]
    fn nothing_is_known_of_other_hosts_and_containers() {
        let (boot, namespace) = ("another boot", "pid:[1]");
        let this = HostProcess::this().unwrap();
        let elsewhere = HostProcess {
            host: format!("{boot} {namespace}"),
            started: this.started - 1,
            ..this
        };
        assert!(!elsewhere.is_gone());
    }

    #[test]
    fn it_is_written_and_read_again() {
        let this = HostProcess::this().unwrap();
        assert_eq!(this.to_string().parse(), Ok(this));
        assert_eq!("a process".parse::<HostProcess>(), Err(()));
    }
}
