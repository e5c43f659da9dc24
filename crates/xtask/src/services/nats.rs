//! A private cluster of three NATS servers with JetStream, durable like a real one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::account::Account;
use super::left_lock::has_ended;
use super::private::{random_password, write_private};
use super::{check_name, nats_server, services_folder};

/// The time that the servers may take to find one another, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time that a server may take to answer one question.
const ANSWER: Duration = Duration::from_secs(2);

const SERVERS: usize = 3;

/// The ports of one server, all on 127.0.0.1.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ports {
    clients: u16,
    servers: u16,
    monitoring: u16,
}

/// A cluster with a name.
pub(crate) struct Nats {
    folder: PathBuf,
}

/// A cluster of which all servers run.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) pids: Vec<u32>,
}

impl Nats {
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        check_name(name)?;
        // The name of a PostgreSQL has no dot.
        Ok(Self {
            folder: services_folder().join(format!("nats.{name}")),
        })
    }

    /// The cluster, if all its servers run.
    pub(crate) fn running(&self) -> Result<Option<Running>, String> {
        let Some(ports) = self.known_ports() else {
            return Ok(None);
        };
        if !ports.iter().all(|ports| listens(ports.clients)) {
            return Ok(None);
        }
        let pids = (0..SERVERS).filter_map(|server| self.pid(server)).collect();
        let hosts = ports.iter().map(|p| format!("127.0.0.1:{}", p.clients));
        let hosts: Vec<_> = hosts.collect();
        let url = format!("nats://seriatim:{}@{}", self.password()?, hosts.join(","));
        Ok(Some(Running { url, pids }))
    }

    /// Starts the servers that do not run, and waits until each has found the cluster.
    pub(crate) fn up(&self) -> Result<(), String> {
        let program = nats_server::find_or_fetch()?;
        fs::create_dir_all(&self.folder).map_err(|error| self.cannot("be made", &error))?;
        let account = Account::choose(&self.folder)?;
        account.give(&self.folder)?;
        if !self.folder.join("password").exists() {
            self.write("password", &random_password()?)?;
        }
        let ports = self.ports()?;
        for server in 0..SERVERS {
            if !listens(ports[server].clients) {
                self.start(server, &ports, account, &program)?;
            }
        }
        let healthy = || ports.iter().all(|ports| is_healthy(ports.monitoring));
        match within_patience(healthy) {
            true => Ok(()),
            false => Err(format!(
                "the NATS servers did not find one another; see the `.log` files in {} (if the servers may not enter \
                 a folder on the way there, name another in CARGO_TARGET_DIR)",
                self.folder.display()
            )),
        }
    }

    /// Stops the servers, which lose nothing that was acknowledged.
    pub(crate) fn down(&self) -> Result<(), String> {
        let Some(ports) = self.known_ports() else {
            return Ok(());
        };
        let account = Account::choose(&self.folder)?;
        let running = (0..SERVERS).filter(|&server| listens(ports[server].clients));
        let pids: Vec<u32> = running.filter_map(|server| self.pid(server)).collect();
        for &pid in &pids {
            signal(account, "-TERM", pid);
        }
        let ended = |&pid: &u32| has_ended(pid) || !signal(account, "-0", pid);
        match within_patience(|| pids.iter().all(ended)) {
            true => Ok(()),
            false => Err(format!(
                "the NATS servers {pids:?} do not end; see the `.log` files in {}",
                self.folder.display()
            )),
        }
    }

    /// Stops the servers and deletes all that they hold.
    pub(crate) fn remove(&self) -> Result<(), String> {
        self.down()?;
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(self.cannot("be deleted", &error))
            }
            _ => Ok(()),
        }
    }

    fn start(
        &self,
        server: usize,
        ports: &[Ports],
        account: Account,
        program: &Path,
    ) -> Result<(), String> {
        let conf = format!("{server}.conf");
        self.write(&conf, &self.settings(server, ports)?)?;
        account.give(&self.folder.join(&conf))?;
        let mut options = fs::OpenOptions::new();
        let log = self.folder.join(format!("{server}.log"));
        let log = options.create(true).append(true).open(log);
        let log = log.map_err(|error| self.cannot("be written to", &error))?;
        let mut command = account.command(program);
        command
            .arg("--config")
            .arg(self.folder.join(conf))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        // An interrupt on this terminal is not meant for it.
        let started = command.process_group(0).spawn();
        started
            .map(drop)
            .map_err(|error| format!("{} cannot be started: {error}", program.display()))
    }

    /// What is acknowledged is synced to the disk: figures and crash tests would mean nothing else.
    fn settings(&self, server: usize, ports: &[Ports]) -> Result<String, String> {
        let folder = self.folder.display();
        let password = self.password()?;
        let own = ports[server];
        let routes = ports
            .iter()
            .filter(|&&other| other != own)
            .map(|other| format!("\"nats://seriatim:{password}@127.0.0.1:{}\"", other.servers));
        let routes = routes.collect::<Vec<_>>().join(", ");
        Ok(format!(
            r#"server_name: "seriatim-{server}"
listen: "127.0.0.1:{clients}"
http: "127.0.0.1:{monitoring}"
pid_file: "{folder}/{server}.pid"
authorization {{ user: seriatim, password: "{password}" }}
cluster {{
    name: seriatim
    listen: "127.0.0.1:{servers}"
    authorization {{ user: seriatim, password: "{password}" }}
    routes: [{routes}]
}}
jetstream {{
    store_dir: "{folder}/{server}.data"
    sync_interval: always
}}
"#,
            clients = own.clients,
            monitoring = own.monitoring,
            servers = own.servers,
        ))
    }

    /// The ports that the servers had before, so that clients find them again. While none of the servers runs and
    /// another program has taken a port, all get free ones.
    fn ports(&self) -> Result<Vec<Ports>, String> {
        if let Some(ports) = self.known_ports() {
            let all = |p: &Ports| [p.clients, p.servers, p.monitoring];
            let some_run = ports.iter().any(|ports| is_healthy(ports.monitoring));
            if some_run || ports.iter().flat_map(all).all(|port| bind(port).is_ok()) {
                return Ok(ports);
            }
        }
        // All are held until all are known, so that no two are the same.
        let held: Result<Vec<_>, _> = (0..3 * SERVERS).map(|_| bind(0)).collect();
        let numbers = held.and_then(|held| held.iter().map(port_of).collect::<Result<Vec<_>, _>>());
        let numbers =
            numbers.map_err(|error| format!("there is no free port on 127.0.0.1: {error}"))?;
        let text: Vec<_> = numbers.iter().map(u16::to_string).collect();
        self.write("ports", &text.join(" "))?;
        Ok(in_threes(&numbers))
    }

    fn known_ports(&self) -> Option<Vec<Ports>> {
        let text = fs::read_to_string(self.folder.join("ports")).ok()?;
        let numbers: Result<Vec<u16>, _> = text.split_whitespace().map(str::parse).collect();
        numbers
            .ok()
            .filter(|numbers| numbers.len() == 3 * SERVERS)
            .map(|numbers| in_threes(&numbers))
    }

    fn pid(&self, server: usize) -> Option<u32> {
        let text = fs::read_to_string(self.folder.join(format!("{server}.pid"))).ok()?;
        text.trim().parse().ok()
    }

    fn password(&self) -> Result<String, String> {
        fs::read_to_string(self.folder.join("password"))
            .map_err(|error| self.cannot("be read", &error))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        write_private(&self.folder.join(name), text)
            .map_err(|error| self.cannot("be written to", &error))
    }

    fn cannot(&self, what: &str, error: &std::io::Error) -> String {
        format!(
            "the folder {} cannot {what}: {error}",
            self.folder.display()
        )
    }
}

fn in_threes(numbers: &[u16]) -> Vec<Ports> {
    let ports = numbers.chunks_exact(3).map(|three| Ports {
        clients: three[0],
        servers: three[1],
        monitoring: three[2],
    });
    ports.collect()
}

fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

fn port_of(listener: &TcpListener) -> std::io::Result<u16> {
    listener.local_addr().map(|address| address.port())
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ANSWER)
}

fn listens(port: u16) -> bool {
    connect(port).is_ok()
}

/// Returns whether the server says that JetStream is ready, which includes that the cluster has a leader.
fn is_healthy(monitoring: u16) -> bool {
    let ask = || {
        let mut connection = connect(monitoring)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = ask().unwrap_or_default();
    answer.split_whitespace().nth(1) == Some("200")
}

/// Returns `false` if there is no such process of the account.
fn signal(account: Account, signal: &str, pid: u32) -> bool {
    let mut kill: Command = account.command(Path::new("kill"));
    kill.arg(signal).arg(pid.to_string()).stderr(Stdio::null());
    kill.status().is_ok_and(|status| status.success())
}

fn within_patience(holds: impl Fn() -> bool) -> bool {
    let give_up = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > give_up {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}
