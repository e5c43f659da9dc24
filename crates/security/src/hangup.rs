//! Listens for SIGHUP, by which a process is told to read its files again.

/// The signals that came. On systems without SIGHUP none ever comes.
pub(crate) struct Hangups {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    pub(crate) fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signal = signal(SignalKind::hangup());
            if let Err(error) = &signal {
                let error = error.to_string();
                tracing::warn!(
                    error,
                    "SIGHUP cannot be heard; changes of files are still seen"
                );
            }
            Self {
                signal: signal.ok(),
            }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Waits for the next one. It is cancel safe.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
