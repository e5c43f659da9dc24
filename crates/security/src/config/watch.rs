//! Puts a changed configuration in force while a server runs.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_core::Domain;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::{Config, Origin};
use crate::Access;
use crate::hangup::Hangups;

/// The time between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

/// The file of a configuration that is in force. It is read again when it changes and on SIGHUP, until this is dropped.
#[derive(Debug)]
pub struct ConfigFile {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// What the configuration was made from at the start.
    origin: Origin,
    access: Access,
    domains: Vec<Domain>,
    /// Two who reload at once do it one after another, each with what the file has then.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    in_force: Config,
    /// The text that was read last, whether it is in force or has faults.
    read: Vec<u8>,
    /// The text that the file had at the last look.
    seen: Vec<u8>,
    /// Why the text that was read last is not in force.
    refused: Option<String>,
}

impl ConfigFile {
    /// Begins to watch the file of a configuration that is in force at `access`. Returns `None` if it has no file. It
    /// must be called on a Tokio runtime.
    ///
    /// A configuration with faults, or with grants for none of the `domains`, leaves the one before in force, and is an
    /// error in the log, once for each text and reason. Roles, principals, limits and the settings of JSON web tokens
    /// change; the log says what needs a restart. A text is read once it was the same at two looks, a second apart, so
    /// that a file that is being written is left alone.
    pub fn watch(config: &Config, access: &Access, domains: Vec<Domain>) -> Option<Self> {
        let origin = config.origin()?.clone();
        let text = origin.text.as_bytes();
        let shared = Arc::new(Shared {
            access: access.clone(),
            domains,
            state: Mutex::new(State {
                in_force: config.clone(),
                read: text.into(),
                seen: text.into(),
                refused: None,
            }),
            origin,
        });
        let task = tokio::spawn(look(Arc::clone(&shared)));
        Some(Self { shared, task })
    }

    /// Reads the file now. Returns whether what it has is in force.
    pub async fn reload(&self) -> bool {
        let shared = Arc::clone(&self.shared);
        run(move || shared.reload()).await
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look(shared: Arc<Shared>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut hangups = Hangups::listen();
    loop {
        let shared = Arc::clone(&shared);
        tokio::select! {
            _ = ticks.tick() => run(move || shared.look()).await,
            () = hangups.next() => {
                tracing::info!("SIGHUP: the configuration is read again");
                run(move || shared.reload()).await;
            }
        }
    }
}

/// Runs what waits for a file beside the workers.
async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("to read a configuration does not panic")
}

impl Shared {
    /// Reads the text if it is new and was the same at the last look.
    fn look(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // While it is replaced it may be missing for a moment.
        let Ok(text) = fs::read(&self.origin.path) else {
            return;
        };
        let is_settled = state.seen == text;
        let is_in_force = state.read == text && state.refused.is_none();
        if is_settled && !is_in_force {
            // A file that it names may be there by now.
            let before = state.refused.take();
            let after = self.apply(&mut state, text).err();
            if after.is_some() && after != before {
                self.log(after.as_deref().unwrap_or_default());
            }
            state.refused = after;
        } else if !is_settled {
            state.seen = text;
        }
    }

    fn reload(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let text = fs::read(&self.origin.path).map_err(|error| unreadable(&error));
        state.refused = text.and_then(|text| self.apply(&mut state, text)).err();
        if let Some(error) = &state.refused {
            self.log(error);
        }
        state.refused.is_none()
    }

    /// Puts the text in force. Fails with the reason why the configuration before stays in force.
    fn apply(&self, state: &mut State, text: Vec<u8>) -> Result<(), String> {
        let config = self.parse(&text);
        state.read = text;
        let config = config?;
        let applied = self.access.apply(&config);
        applied.map_err(|error| error.to_string())?;
        for (table, is_same) in [
            ("server", config.server == state.in_force.server),
            ("tls", config.tls == state.in_force.tls),
        ] {
            if !is_same {
                tracing::warn!(
                    table,
                    "this table has changed; it needs a restart to be in force"
                );
            }
        }
        let file = self.origin.path.display().to_string();
        tracing::info!(file, "the configuration was read again, and is in force");
        state.in_force = config;
        Ok(())
    }

    fn parse(&self, text: &[u8]) -> Result<Config, String> {
        let text = std::str::from_utf8(text);
        let text = text.map_err(|error| unreadable(&io::Error::other(error)))?;
        let config = Config::from_origin(Origin {
            text: text.to_owned(),
            ..self.origin.clone()
        });
        let config = config.map_err(|faults| faults.to_string())?;
        let known = config.policy().check_domains(&self.domains);
        known.map_err(|unknown| unknown.to_string())?;
        Ok(config)
    }

    fn log(&self, error: &str) {
        let file = self.origin.path.display().to_string();
        tracing::error!(file, error, "the configuration before stays in force");
    }
}

fn unreadable(error: &io::Error) -> String {
    format!("the file cannot be read: {error}")
}
