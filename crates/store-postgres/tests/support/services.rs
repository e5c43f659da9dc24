//! A PostgreSQL beside the one that other tests use, for what is done to a whole server.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use super::target;

/// The service that `cargo xtask services` keeps under this name.
pub struct Service {
    name: String,
}

impl Service {
    /// Starts it, or finds it running.
    pub fn up(name: &str) -> Self {
        services(name, &["up"]);
        Self { name: name.into() }
    }

    /// A new one that follows another, as its standby.
    pub fn standby(name: &str, primary: &Self) -> Self {
        services(name, &["remove"]);
        services(name, &["up", "--standby-of", &primary.name]);
        Self { name: name.into() }
    }

    /// With nothing in it.
    pub fn new(name: &str) -> Self {
        services(name, &["remove"]);
        Self::up(name)
    }

    pub fn url(&self) -> String {
        url_in(&services(&self.name, &["status"])).to_owned()
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        address_in(&services(&self.name, &["status"]))
    }

    /// All its processes at once, none of which can put anything in order. Afterwards nobody listens any more.
    pub fn kill(&self) {
        let now = services(&self.name, &["status"]);
        let Some(pid) = now["postgres"]["pid"].as_u64() else {
            return;
        };
        let address = address_in(&now);
        let children = Command::new("ps")
            .args(["-o", "pid=", "--ppid", &pid.to_string()])
            .output()
            .unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let mut pids = vec![pid.to_string()];
        pids.extend(children.split_whitespace().map(str::to_owned));
        // Some children may have ended by themselves.
        let _ = Command::new("kill").arg("-9").args(pids).output();
        // They die a moment later. Until then it would be found running, and not be started again.
        while TcpStream::connect(&address).is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops it; what it holds stays.
    pub fn down(self) {
        services(&self.name, &["down"]);
    }

    /// Stops it, and deletes what it holds.
    pub fn remove(self) {
        services(&self.name, &["remove"]);
    }
}

fn url_in(status: &Value) -> &str {
    status["postgres"]["url"].as_str().expect("it runs")
}

fn address_in(status: &Value) -> String {
    let (_, rest) = url_in(status).split_once('@').unwrap();
    rest.split_once('/').unwrap().0.to_owned()
}

fn services(name: &str, chore: &[&str]) -> Value {
    let output = Command::new(xtask())
        .arg("services")
        .args(chore)
        .args(["--json", "--name", name])
        .env("CARGO_TARGET_DIR", target())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Built once: cargo would look at its sources each time, and wait for whoever else builds.
fn xtask() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "xtask"])
            .env("CARGO_TARGET_DIR", target())
            .status();
        assert!(built.unwrap().success(), "xtask is built");
        target().join("debug/xtask")
    })
}
