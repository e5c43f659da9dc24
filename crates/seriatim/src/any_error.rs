//! The error type for `main`.

use std::error::Error;
use std::fmt;

use seriatim_core::printable;

/// Any error, for `main`: when a program ends with it, people read the error's own sentence.
///
/// `main` prints an error with `Debug`, which for most errors shows the inside of a type. This one prints what
/// `Display` says and the causes that are not in it already, on one line and [safe for a terminal](printable).
///
/// ```no_run
/// use seriatim::prelude::*;
///
/// #[tokio::main]
/// async fn main() -> Result<(), AnyError> {
///     let app = App::open("sqlite://bank.db").await?.start().await?;
///     app.run().await?;
///     Ok(())
/// }
/// ```
///
/// Like other types of its kind it does not implement [`Error`], so that every error can be converted into it.
pub struct AnyError(Box<dyn Error + Send + Sync>);

impl AnyError {
    /// Returns the error itself.
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for AnyError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let more = error.to_string();
            if !said.contains(&more) {
                said = format!("{said}: {more}");
            }
            cause = error.source();
        }
        f.write_str(&printable(&said))
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error("it does not open")]
        Silent(#[source] Inner),
        #[error("it does not open: {0}")]
        Open(#[source] Inner),
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the file is gone")]
    struct Inner;

    #[test]
    fn it_prints_what_the_error_says_and_each_cause_once() {
        for error in [Outer::Silent(Inner), Outer::Open(Inner)] {
            let error = AnyError::from(error);
            assert_eq!(format!("{error:?}"), "it does not open: the file is gone");
        }
    }

    #[test]
    fn it_is_one_line_for_a_terminal() {
        let error = AnyError::from("no `a\nb\u{1b}[2J`");
        assert_eq!(format!("{error:?}"), r"no `a\nb\u001b[2J`");
        assert_eq!(error.to_string(), r"no `a\nb\u001b[2J`");
    }
}
