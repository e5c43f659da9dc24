//! Processes of this program's own: coordinators beside each other, and one whose memory is measured.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::ServerSettings;
use seriatim::core::ExpectedSequence::{Any, NoStream};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots};
use seriatim_bench::load::rate_for;
use seriatim_bench::product::{Product, builder};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::limits::broadcast;
use crate::rows;

/// Names what a process is to do; not among the arguments, because a URL may have a password.
const VARIABLE: &str = "SERIATIM_BENCH_ROLE";

/// The task of a process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// Says that it is ready, waits for a line, writes for a while and prints its commands a second.
    Writer {
        url: String,
        /// The streams it writes to; without any, each command begins a stream.
        roots: Vec<Uuid>,
        in_flight: usize,
        time: Duration,
    },
    /// Touches streams and prints how large it was.
    Memory { url: String, streams: usize },
    /// Serves over gRPC, prints its address, and ends when it is given a line.
    Door {
        url: String,
        in_work: usize,
        waiting: usize,
    },
    /// Serves rooms over WebSockets, prints its address, and ends when it is given a line.
    Live { url: String },
    /// The same with nothing behind it.
    Broadcast { rooms: usize },
}

/// The role of this process, if it is not the one that somebody has started.
pub(crate) fn role() -> Option<Outcome<Role>> {
    let text = std::env::var(VARIABLE).ok()?;
    Some(serde_json::from_str(&text).map_err(Into::into))
}

/// Does what the role says.
pub(crate) fn play(role: Role) -> Outcome<()> {
    let runtime = Runtime::new()?;
    match role {
        Role::Writer {
            url,
            roots,
            in_flight,
            time,
        } => {
            let figure = runtime.block_on(write(&url, roots, in_flight, time))?;
            println!("{figure}");
        }
        Role::Memory { url, streams } => {
            let sizes = runtime.block_on(rows::p16::touch_all(&url, streams))?;
            println!("{}", serde_json::to_string(&sizes)?);
        }
        Role::Door {
            url,
            in_work,
            waiting,
        } => {
            let settings = ServerSettings {
                in_work,
                waiting,
                ..ServerSettings::default()
            };
            runtime.block_on(serve(&url, settings))?;
        }
        Role::Live { url } => runtime.block_on(rows::live::serve(&url))?,
        Role::Broadcast { rooms } => {
            let serve = broadcast::serve(rooms, |address| println!("{address}"));
            runtime.block_on(async {
                tokio::select! {
                    served = serve => served,
                    line = line() => line,
                }
            })?;
        }
    }
    Ok(())
}

async fn serve(url: &str, settings: ServerSettings) -> Outcome<()> {
    let builder = builder(url).await?.server_settings(settings);
    let app = builder.listen("127.0.0.1:0").start().await?;
    println!("{}", app.address().ok_or("the application has no door")?);
    line().await?;
    Ok(app.shutdown().await?)
}

/// Waits until it is given a line.
pub(crate) async fn line() -> Outcome<()> {
    let line = || std::io::stdin().read_line(&mut String::new());
    tokio::task::spawn_blocking(line).await??;
    Ok(())
}

async fn write(url: &str, roots: Vec<Uuid>, in_flight: usize, time: Duration) -> Outcome<f64> {
    let product = Product::open(url).await?;
    let submit = product.submitter::<Ledger>();
    // The first command of a coordinator makes connections and learns where the log stands.
    submit.enter(new_roots(1)[0]).await?;
    println!("ready");
    std::io::stdin().read_line(&mut String::new())?;
    let figure = rate_for(in_flight, time, move |_, number| match roots.is_empty() {
        true => submit.send(Uuid::now_v7(), NoStream),
        false => submit.send(roots[number % roots.len()], Any),
    })
    .await?;
    product.close().await;
    Ok(figure)
}

/// A process that was started.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(role: &Role) -> Outcome<Self> {
        // By this name it is found even if it was built anew since it was started.
        let mut child = Command::new("/proc/self/exe")
            .env(VARIABLE, serde_json::to_string(role)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let input = child.stdin.take().expect("it is piped");
        let output = child.stdout.take().expect("it is piped");
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match line.trim_end() {
            "" => Err("a process that is measured has ended too early".into()),
            line => Ok(line.to_owned()),
        }
    }

    /// Returns how much time it has spent on the processors, in seconds, if this system says so.
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // After the name, which may hold anything: user and system time are the 12th and 13th, in hundredths.
        let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<f64>().ok();
        Some((ticks()? + ticks()?) / 100.0)
    }

    /// Returns how much memory of its own it has, in kilobytes, if this system says so.
    pub(crate) fn kilobytes(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Lets it go on.
    pub(crate) fn go(&mut self) -> Outcome<()> {
        Ok(self.input.write_all(b"\n")?)
    }

    pub(crate) fn end(mut self) -> Outcome<()> {
        let status = self.child.wait()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("a process that is measured ended with {status}").into()),
        }
    }
}
