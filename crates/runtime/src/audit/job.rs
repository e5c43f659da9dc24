//! The audit that never ends: again and again, slowly, beside everything else.

use std::fmt;
use std::time::Duration;

use seriatim_core::StoreError;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::auditor::{Audit, Auditor};
use crate::meter;

/// How an audit in the background goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// After each page it rests so many times as long as the page took. Default 9: it takes a tenth of one reader.
    pub rest: u32,
    /// How often it looks for what is new, and at all progress. For so long at most it goes through what effects left
    /// behind, before it looks for what is new again. Default 10 s.
    pub every: Duration,
    /// How often it begins again with the first event: what was sound once need not be for ever. Default 6 h.
    pub anew: Duration,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            rest: 9,
            every: Duration::from_secs(10),
            anew: Duration::from_secs(6 * 60 * 60),
        }
    }
}

/// How an audit in the background is getting on.
#[derive(Clone, Debug, Default)]
pub struct AuditStatus {
    /// What was to be said when it came to the end of the log last; `None` before the first time.
    pub latest: Option<Audit>,
    /// How often it has come to the end.
    pub rounds: u64,
    /// Why it cannot go on, if it cannot.
    pub error: Option<StoreError>,
}

/// An audit in the background. Dropped, it ends.
pub struct AuditJob {
    status: watch::Receiver<AuditStatus>,
    task: JoinHandle<()>,
}

impl fmt::Debug for AuditJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditJob")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Drop for AuditJob {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl AuditJob {
    /// Begins one. Must be called on a Tokio runtime.
    pub fn start(auditor: Auditor, settings: AuditSettings) -> Self {
        let (told, status) = watch::channel(AuditStatus::default());
        Self {
            status,
            task: tokio::spawn(run(auditor, settings, told)),
        }
    }

    /// How it is getting on, to be waited for too.
    pub fn status(&self) -> watch::Receiver<AuditStatus> {
        self.status.clone()
    }
}

async fn run(auditor: Auditor, settings: AuditSettings, told: watch::Sender<AuditStatus>) {
    loop {
        let begun = Instant::now();
        let mut way = auditor.begin();
        let mut known = 0;
        while begun.elapsed() < settings.anew {
            let audit = way.go_on(settings.rest, settings.every, &mut |_| {}).await;
            match audit {
                Ok(audit) => {
                    if audit.findings_total > known {
                        report(&audit);
                    }
                    known = audit.findings_total;
                    meter::audit(&audit);
                    if told.borrow().error.is_some() {
                        tracing::warn!("the audit goes on");
                    }
                    told.send_modify(|status| {
                        status.latest = Some(audit);
                        status.rounds += 1;
                        status.error = None;
                    });
                }
                Err(error) => {
                    if told.borrow().error.is_none() {
                        tracing::warn!(error = error.to_string(), "the audit waits for the store");
                    }
                    told.send_modify(|status| status.error = Some(error));
                }
            }
            tokio::time::sleep(settings.every).await;
        }
    }
}

fn report(audit: &Audit) {
    let first = audit.findings.first().map(ToString::to_string);
    let findings = audit.findings_total;
    tracing::error!(
        findings,
        first,
        "what is stored contradicts itself; see `Audit` in docs/operating.md"
    );
}
