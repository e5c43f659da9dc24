//! A server in this process, and the binary beside it.

use std::error::Error;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;
use seriatim::core::{EventFilter, RecordedEvent, Store};
use seriatim::{App, AppBuilder, BackOff, FailurePolicy, Projector, open_store};
use tokio::runtime::Runtime;

use crate::account::Account;

/// The stream of most tests.
pub(crate) const ACCOUNT: &str = "account/0192d3a4-5b6c-7d8e-9f00-112233445566";

/// A server in this process that the binary is pointed at.
pub(crate) struct Stage {
    server: String,
    runtime: Runtime,
    store: Arc<dyn Store>,
    app: App,
}

impl Stage {
    /// With no events.
    pub(crate) fn new() -> Self {
        Self::on("memory:")
    }

    /// Starts it with what the store at `url` has.
    pub(crate) fn on(url: &str) -> Self {
        Self::with(url, |app| app)
    }

    /// The same with more in it.
    pub(crate) fn with(url: &str, more: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(open_store(url)).unwrap();
        let builder = more(builder(&store)).listen("127.0.0.1:0");
        let app = runtime.block_on(builder.start()).unwrap();
        Self {
            server: format!("http://{}", app.address().unwrap()),
            runtime,
            store,
            app,
        }
    }

    /// Ends the server, and begins another at the same address with the same events.
    pub(crate) fn restart(&mut self) {
        let address = self.app.address().unwrap().to_string();
        self.runtime.block_on(self.app.shutdown()).unwrap();
        let builder = builder(&self.store).listen(address);
        self.app = self.runtime.block_on(builder.start()).unwrap();
    }

    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Waits for what must come, for two minutes at most.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let in_time = async {
            let limit = std::time::Duration::from_secs(120);
            tokio::time::timeout(limit, future).await
        };
        self.runtime.block_on(in_time).expect("it never came")
    }

    /// With an account that was opened (0), paid into (1) and renamed (2).
    pub(crate) fn with_account() -> Self {
        let stage = Self::new();
        stage
            .run(&["send", ACCOUNT, "Open", r#"{"owner":"Ann"}"#])
            .succeeded();
        stage
            .run(&["send", ACCOUNT, "Deposit", r#"{"cents":100}"#])
            .succeeded();
        stage
            .run(&["send", ACCOUNT, "Rename", r#"{"owner":"Bob"}"#])
            .succeeded();
        stage
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Runs the binary with `input` on stdin.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        run(&self.server, arguments, input)
    }
}

fn builder(store: &Arc<dyn Store>) -> AppBuilder {
    let renames = EventFilter {
        types: vec!["Renamed".into()],
        ..EventFilter::default()
    };
    let at_once = FailurePolicy {
        back_off: BackOff {
            retries: 0,
            ..BackOff::default()
        },
        ..FailurePolicy::park()
    };
    App::on(Arc::clone(store))
        .aggregate::<Account>()
        .projector("seen", EventFilter::default(), Nothing)
        .projector("stuck", EventFilter::default(), Stuck)
        .projector("picky", renames, Stuck)
        .failure_policy("picky", at_once)
        .failure_policy("stuck", FailurePolicy::pause())
}

/// Handles every event at once.
struct Nothing;

impl Projector for Nothing {
    async fn project(&self, _: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

/// Handles none.
struct Stuck;

impl Projector for Stuck {
    async fn project(&self, _: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("it is stuck".into())
    }
}

/// Runs the binary against a server that need not be there.
pub(crate) fn run(server: &str, arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_seriatim"))
        .args(arguments)
        .env_remove("SERIATIM_ACTOR")
        .env("SERIATIM_SERVER", server)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Fails if the program ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ran::of(child.wait_with_output().unwrap())
}

/// Waits until something is so, for a minute at most.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        let waited = begun.elapsed().as_secs();
        assert!(waited < 60, "it never came about that {what}");
    }
}

/// The exit code and the output of a program that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Checks that it answered on stdout, without a word on stderr.
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self
    }

    /// Checks that it failed with `code` and nothing on stdout.
    pub(crate) fn failed(self, code: i32) -> Self {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (Some(code), ""),
            "{self:?}"
        );
        self
    }

    /// Returns what it printed, with what differs each time taken out.
    pub(crate) fn printed(&self) -> Vec<String> {
        normalise(&self.stdout)
    }

    /// Compares a whole report with a file, so that a reviewer sees when it changes.
    pub(crate) fn assert_printed(&self, report: &str) {
        assert_eq!(self.printed(), report.lines().collect::<Vec<_>>());
    }

    /// Returns what it said, with what differs each time taken out.
    pub(crate) fn said(&self) -> Vec<String> {
        normalise(&self.stderr)
    }

    /// The lines it printed, as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The error it said, as JSON.
    pub(crate) fn error(&self) -> Value {
        serde_json::from_str(&self.stderr).unwrap()
    }
}

/// The lines, with `ACCOUNT` for the stream of most tests, `UUID` for other UUIDs, and `TIME` for times, with two spaces
/// where columns follow.
pub(crate) fn normalise(text: &str) -> Vec<String> {
    let text = text.replace(ACCOUNT, "ACCOUNT");
    text.lines().map(normal_line).collect()
}

fn normal_line(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let word = normal_word(word);
        let last = words.iter().rev().find(|word| !word.is_empty());
        // How wide a time is depends on its last digits.
        let padding = word.is_empty() && words.last().is_some_and(String::is_empty);
        if padding && last.is_some_and(|word| word == "TIME") {
            continue;
        }
        words.push(word);
    }
    words.join(" ")
}

fn normal_word(word: &str) -> String {
    let stripped = word.trim_end_matches([':', ',', '`', ';']);
    let rest = &word[stripped.len()..];
    let is_uuid = stripped.len() == 36 && stripped.parse::<uuid::Uuid>().is_ok();
    let is_time = stripped.len() >= 20 && stripped.starts_with("20") && stripped.ends_with('Z');
    if let Some(cursor) = normal_cursor(stripped) {
        return format!("{cursor}{rest}");
    }
    match (is_uuid, is_time) {
        (true, _) => format!("UUID{rest}"),
        (_, true) => format!("TIME{rest}"),
        (false, false) => word.to_owned(),
    }
}

/// A cursor that names its log: `LOG/17:EVENT,0`.
fn normal_cursor(word: &str) -> Option<String> {
    let is_id = |text: &str| text.len() == 32 && text.parse::<uuid::Uuid>().is_ok();
    let (log, places) = word.split_once('/')?;
    let place = |place: &str| match place.split_once(':') {
        Some((position, event)) if is_id(event) => format!("{position}:EVENT"),
        _ => place.to_owned(),
    };
    let places: Vec<_> = places.split(',').map(place).collect();
    is_id(log).then(|| format!("LOG/{}", places.join(",")))
}
