//! What can fail between a test and a page.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// The browser did not do what a test asked for.
///
/// Its debug form is the sentence, because that is what a test shows that unwraps it.
#[derive(Error)]
pub enum BrowserError {
    /// A program is not installed.
    #[error(
        "there is no {program}: run `cargo xtask test`, which installs it where it can, or install it by hand \
         (Debian: `sudo apt-get install chromium chromium-driver`), or name it in {variable}"
    )]
    Missing {
        /// `Chromium` or `ChromeDriver`.
        program: &'static str,
        /// The variable that names another one.
        variable: &'static str,
    },
    /// A variable names a file that is not there.
    #[error("{variable} names {path}, and there is no such file: correct it, or leave it out")]
    Misnamed {
        /// The variable.
        variable: &'static str,
        /// What it says.
        path: PathBuf,
    },
    /// ChromeDriver or Chromium did not start.
    #[error("{program} does not start: {reason}")]
    Start {
        /// `Chromium` or `ChromeDriver`.
        program: &'static str,
        /// What is known about it.
        reason: String,
    },
    /// A command failed.
    #[error("{command}: {source}")]
    Command {
        /// What the test asked for.
        command: String,
        /// The error of ChromeDriver, or of the connection to it.
        source: WebDriverError,
    },
    /// The browser shows an error instead of the page.
    #[error("{url} cannot be loaded: {reason}")]
    Load {
        /// The page.
        url: String,
        /// What the browser shows.
        reason: String,
    },
    /// A condition did not come about in time.
    #[error("{condition} did not come about within {limit:?}: the last look gave {last}")]
    Waited {
        /// The script of the condition.
        condition: String,
        /// How long it was waited for.
        limit: Duration,
        /// The last value, or the last error.
        last: String,
    },
    /// A file cannot be written.
    #[error("{path} cannot be written: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl BrowserError {
    pub(crate) fn command(command: String) -> impl FnOnce(WebDriverError) -> Self {
        |source| Self::Command { command, source }
    }
}

impl fmt::Debug for BrowserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A command of WebDriver failed.
#[derive(Debug, Error)]
pub enum WebDriverError {
    /// ChromeDriver refused the command, or could not do what it says.
    #[error("{message}")]
    Refused {
        /// The error as the standard names it, such as `no such element`.
        name: String,
        /// The error in the words of ChromeDriver, which begin with the name.
        message: String,
    },
    /// No answer came in time.
    #[error("ChromeDriver has not answered within {limit:?}")]
    Silent {
        /// How long it was waited for.
        limit: Duration,
    },
    /// There is no connection to ChromeDriver, or it broke.
    #[error("the connection to ChromeDriver failed: {source}")]
    Connection {
        /// Why.
        source: io::Error,
    },
    /// ChromeDriver answered something that is not in the standard.
    #[error("the answer of ChromeDriver cannot be read: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

impl WebDriverError {
    /// Returns the name that the standard has for the error, such as `no such element`. An error that ChromeDriver has
    /// not told has none.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Refused { name, .. } => Some(name),
            Self::Silent { .. } | Self::Connection { .. } | Self::Unreadable { .. } => None,
        }
    }
}
