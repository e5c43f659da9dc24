//! Takes other certificates into use when their files change.

use std::convert::Infallible;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::time::{MissedTickBehavior, interval};

use super::server::{Content, ContentDigest};
use super::{ServerTls, TlsError};
use crate::hangup::Hangups;

const FAILURES: &str = "seriatim_tls_reload_failures_total";
const EXPIRES: &str = "seriatim_tls_certificate_expires_days";

/// The time between two looks at the files. They are small, so they are read whole: dates and sizes of files can be the
/// same as before.
const LOOK: Duration = Duration::from_secs(1);

/// The failure that the log was told of: the content, if it could be read, and what is wrong with it.
pub(super) type Told = (Option<ContentDigest>, String);

/// Describes the metrics to the installed recorder.
pub fn describe_metrics() {
    describe_counter!(
        FAILURES,
        Unit::Count,
        "Certificates that could not be taken into use, each counted once"
    );
    describe_gauge!(
        EXPIRES,
        "Days until the certificate of the server expires; negative if it has expired"
    );
}

impl ServerTls {
    /// Looks at the files, and takes them into use if they have changed. New connections then have the new certificates;
    /// open ones go on. Returns whether something has changed.
    ///
    /// If the files cannot be used, for example because one of them is only half written, the former ones stay in force.
    /// That is an error in the log and in the metrics, once for each content. It reads files, so it blocks for a moment.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        let content = Content::read(&self.0.options);
        let digest = content.as_ref().ok().map(Content::digest);
        if digest == Some(self.in_force().digest) {
            *told = None;
            return Ok(false);
        }
        match content.and_then(|content| content.load(&self.0.options)) {
            Ok(next) => {
                self.put_in_force(next);
                *told = None;
                tracing::info!(
                    "other certificates are in use now, because their files have changed"
                );
                Ok(true)
            }
            Err(error) => {
                let news = Some((digest, error.to_string()));
                if *told != news {
                    counter!(FAILURES).increment(1);
                    tracing::error!(
                        %error,
                        "the changed certificates cannot be used; the former ones stay in force"
                    );
                    *told = news;
                }
                Err(error)
            }
        }
    }

    /// Reloads when the files have changed and were the same at two looks, a second apart, so that files that are being
    /// written are left alone. It reloads at once on SIGHUP. It does so until it is dropped.
    pub async fn watch(&self) -> Infallible {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut hangups, mut seen) = (Hangups::listen(), None);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = hangups.next() => seen = None,
            }
            let (tls, before) = (self.clone(), seen.take());
            // It has told the log itself. It only panics if the files make it panic, and then the former ones stay.
            let looked = tokio::task::spawn_blocking(move || tls.look(before));
            seen = looked.await.ok();
            gauge!(EXPIRES).set(days_until(self.expires()));
        }
    }

    /// Reloads if the files are as they were `before`, or if there was no look before. Returns what they are now; `None`
    /// if they cannot be read.
    fn look(&self, before: Option<Option<ContentDigest>>) -> Option<ContentDigest> {
        let content = Content::read(&self.0.options).ok();
        let digest = content.as_ref().map(Content::digest);
        if before.is_none_or(|before| before == digest) {
            // It has told the log itself.
            let _ = self.reload();
        }
        digest
    }
}

fn days_until(time: SystemTime) -> f64 {
    const DAY: f64 = 24.0 * 60.0 * 60.0;
    match time.duration_since(SystemTime::now()) {
        Ok(left) => left.as_secs_f64() / DAY,
        Err(past) => -past.duration().as_secs_f64() / DAY,
    }
}
