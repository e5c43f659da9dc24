//! A private PostgreSQL: its own folder, its own port, durable like a real one.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::account::Account;
use super::private::{random_password, write_private};
use super::{binaries, check_name, left_lock, services_folder};

/// The time that a server may take to come up; after a crash it replays its log first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The settings that differ from PostgreSQL's own defaults. Commits are durable: figures and crash tests would mean
/// nothing else.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
fsync = on
synchronous_commit = on
full_page_writes = on
max_connections = 400
shared_buffers = 256MB
max_wal_size = 4GB
";

/// A cluster with a name, which is also that of its folder.
pub(crate) struct Postgres {
    folder: PathBuf,
}

/// A server that runs.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) pid: u32,
}

impl Postgres {
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        check_name(name)?;
        let folder = match binaries::chosen_version()? {
            Some(version) => format!("{name}-{version}"),
            None => name.to_owned(),
        };
        Ok(Self {
            folder: services_folder().join(folder),
        })
    }

    /// The server, if it runs.
    pub(crate) fn running(&self) -> Result<Option<Running>, String> {
        let binaries = binaries::find()?;
        Ok(binaries.and_then(|binaries| self.running_by(&binaries)))
    }

    fn running_by(&self, binaries: &Path) -> Option<Running> {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let pid = pid.lines().next()?.trim().parse().ok()?;
        let url = fs::read_to_string(self.folder.join("url")).ok()?;
        let account = Account::choose(&self.folder).ok()?;
        let status = self.pg_ctl(account, binaries, &["status"]);
        let runs = status.is_ok_and(|mut command| succeeds(&mut command));
        // One that was killed may be there for a moment longer, but nobody listens.
        (runs && self.listens()).then(|| Running {
            url: url.trim().to_owned(),
            pid,
        })
    }

    /// Makes the cluster if there is none, and starts the server if it does not run.
    pub(crate) fn up(&self) -> Result<(), String> {
        self.up_from(|account, binaries| self.initialise(account, binaries))
    }

    /// The same, with a cluster that begins as a copy of another's, which runs, and follows it.
    pub(crate) fn up_as_standby_of(&self, primary: &Self) -> Result<(), String> {
        self.up_from(|account, binaries| self.copy(account, binaries, primary))
    }

    fn up_from(
        &self,
        make: impl FnOnce(Account, &Path) -> Result<(), String>,
    ) -> Result<(), String> {
        if self.running()?.is_some() {
            return Ok(());
        }
        let binaries = binaries::find_or_install()?;
        fs::create_dir_all(&self.folder).map_err(|error| self.cannot("be made", &error))?;
        let account = Account::choose(&self.folder)?;
        account.give(&self.folder)?;
        if !self.data().join("PG_VERSION").exists() {
            make(account, &binaries)?;
        }
        self.start(account, &binaries)
    }

    /// Stops the server and deletes all that it holds.
    pub(crate) fn remove(&self) -> Result<(), String> {
        self.down()?;
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(self.cannot("be deleted", &error))
            }
            _ => Ok(()),
        }
    }

    /// Stops the server, which finishes nothing and loses nothing that was committed.
    pub(crate) fn down(&self) -> Result<(), String> {
        if self.running()?.is_none() {
            return Ok(());
        }
        let account = Account::choose(&self.folder)?;
        let arguments = ["stop", "--wait", "--mode", "fast"];
        let mut stop = self.pg_ctl(account, &binaries::find_or_install()?, &arguments)?;
        if !succeeds(&mut stop) {
            return Err(self.failed("be stopped"));
        }
        // Whoever looks for the address must not find one where nobody answers.
        fs::remove_file(self.folder.join("url"))
            .map_err(|error| self.cannot("forget its address", &error))
    }

    fn initialise(&self, account: Account, binaries: &Path) -> Result<(), String> {
        let unfinished = self.unfinished();
        let password_file = self.folder.join("password");
        self.write(account, &password_file, &random_password()?)?;
        let mut initdb = account.command(&binaries.join("initdb"));
        initdb
            .args(["--username=seriatim", "--auth=password", "--encoding=UTF8"])
            .args(["--locale=C", "--pwfile"])
            .arg(&password_file)
            .arg("--pgdata")
            .arg(&unfinished)
            .current_dir(&self.folder);
        if !succeeds(self.logged(&mut initdb)?) {
            return Err(self.failed("be made"));
        }
        let conf = unfinished.join("postgresql.conf");
        let mut settings =
            fs::read_to_string(&conf).map_err(|error| self.cannot("be read", &error))?;
        settings.push_str(SETTINGS);
        self.write(account, &conf, &settings)?;
        fs::rename(&unfinished, self.data()).map_err(|error| self.cannot("be made", &error))
    }

    /// A copy of what `primary` holds at the moment, which then receives the rest from it.
    fn copy(&self, account: Account, binaries: &Path, primary: &Self) -> Result<(), String> {
        let running = primary.running()?;
        let url = running.ok_or("a standby needs a server that runs; start that one first")?;
        let program = binaries.join("pg_basebackup");
        if !program.is_file() {
            return Err(format!(
                "there is no pg_basebackup in {}; a standby is made with it, so name a whole PostgreSQL",
                binaries.display()
            ));
        }
        let unfinished = self.unfinished();
        let mut copy = account.command(&program);
        copy.args(["--checkpoint=fast", "--write-recovery-conf", "--dbname"])
            .arg(url.url)
            .arg("--pgdata")
            .arg(&unfinished)
            .current_dir(&self.folder);
        if !succeeds(self.logged(&mut copy)?) {
            return Err(self.failed("be made"));
        }
        let password = fs::read_to_string(primary.folder.join("password"));
        let password = password.map_err(|error| primary.cannot("be read", &error))?;
        self.write(account, &self.folder.join("password"), &password)?;
        fs::rename(&unfinished, self.data()).map_err(|error| self.cannot("be made", &error))
    }

    /// A cluster is made beside its place and moved there when it is complete, so that an interrupted run can begin again.
    fn unfinished(&self) -> PathBuf {
        let unfinished = self.folder.join("data.unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        unfinished
    }

    fn write(&self, account: Account, path: &Path, text: &str) -> Result<(), String> {
        write_private(path, text).map_err(|error| self.cannot("be written to", &error))?;
        account.give(path)
    }

    /// Another program may take the port first, and after a crash the old server's processes may still be ending:
    /// both pass.
    fn start(&self, account: Account, binaries: &Path) -> Result<(), String> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            left_lock::remove(&self.data().join("postmaster.pid"));
            let port = self.port()?;
            // A Unix socket would have a path that is too long in some folders, and a lock file of its own.
            let options = format!("-p {port} -c unix_socket_directories=''");
            let arguments = ["start", "--wait", "--timeout=60", "--options", &options];
            if succeeds(&mut self.pg_ctl(account, binaries, &arguments)?) {
                return self.write_url(port);
            }
            if Instant::now() > give_up {
                return Err(self.failed("be started"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The port it had before, so that clients find it again, or a free one.
    fn port(&self) -> Result<u16, String> {
        let before = fs::read_to_string(self.folder.join("port"))
            .ok()
            .and_then(|port| port.trim().parse().ok())
            .unwrap_or(0);
        let bind = |port: u16| TcpListener::bind(("127.0.0.1", port));
        let free = bind(before).or_else(|_| bind(0));
        free.and_then(|listener| listener.local_addr())
            .map(|address| address.port())
            .map_err(|error| format!("there is no free port on 127.0.0.1: {error}"))
    }

    fn listens(&self) -> bool {
        let port = fs::read_to_string(self.folder.join("port"));
        let port = port.ok().and_then(|port| port.trim().parse().ok());
        port.is_some_and(|port: u16| TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    fn write_url(&self, port: u16) -> Result<(), String> {
        let read = fs::read_to_string(self.folder.join("password"));
        let password = read.map_err(|error| self.cannot("be read", &error))?;
        let password = password.trim();
        let url = format!("postgres://seriatim:{password}@127.0.0.1:{port}/postgres");
        let write = |name: &str, text: String| {
            let written = write_private(&self.folder.join(name), &text);
            written.map_err(|error| self.cannot("be written to", &error))
        };
        write("port", format!("{port}\n"))?;
        write("url", format!("{url}\n"))
    }

    fn pg_ctl(
        &self,
        account: Account,
        binaries: &Path,
        arguments: &[&str],
    ) -> Result<Command, String> {
        let mut command = account.command(&binaries.join("pg_ctl"));
        command
            .args(arguments)
            .arg("--pgdata")
            .arg(self.data())
            .current_dir(&self.folder);
        if arguments[0] == "start" {
            command.arg("--log").arg(self.log());
        }
        self.logged(&mut command)?;
        Ok(command)
    }

    /// Sends the output of a program to a file: the server that `pg_ctl` leaves behind must not hold our own output
    /// open.
    fn logged<'c>(&self, command: &'c mut Command) -> Result<&'c mut Command, String> {
        let path = self.folder.join("setup.log");
        let mut options = fs::OpenOptions::new();
        let opened = options.create(true).append(true).open(path);
        let log = opened.map_err(|error| self.cannot("be written to", &error))?;
        let again = log.try_clone();
        let again = again.map_err(|error| self.cannot("be written to", &error))?;
        Ok(command.stdin(Stdio::null()).stdout(log).stderr(again))
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn cannot(&self, what: &str, error: &std::io::Error) -> String {
        format!(
            "the folder {} cannot {what}: {error}",
            self.folder.display()
        )
    }

    fn failed(&self, what: &str) -> String {
        let said = fs::read_to_string(self.folder.join("setup.log")).unwrap_or_default();
        let last: Vec<_> = said.lines().rev().take(5).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        format!(
            "PostgreSQL could not {what}; see {log} (if it may not enter a folder on the way there, name another \
             in CARGO_TARGET_DIR)\n{}",
            last.join("\n"),
            log = self.log().display(),
        )
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}
