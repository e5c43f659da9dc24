//! The audit in the background: it repeats for ever, slowly, beside everything else.

use std::fmt;
use std::time::Duration;

use seriatim_core::StoreError;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::auditor::{Audit, Auditor};
use crate::meter;

/// How an audit in the background runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// After each page it rests this many times as long as the page took. Default 9: it takes a tenth of one reader.
    pub rest: u32,
    /// How often it checks new events and all progress. It checks the outcomes of effects for this long at most, before
    /// it checks new events again. Default 10 s.
    pub every: Duration,
    /// How often it begins again at the first event, because sound data may be damaged later. Default 6 h.
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

/// The state of an audit in the background.
#[derive(Clone, Debug, Default)]
pub struct AuditStatus {
    /// The result when it last came to the end of the log; `None` before the first time.
    pub latest: Option<Audit>,
    /// How often it has come to the end.
    pub rounds: u64,
    /// Why it cannot continue; `None` if it can.
    pub error: Option<StoreError>,
}

/// An audit in the background. Dropping it ends it.
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
    /// Begins an audit. It must be called on a Tokio runtime.
    pub fn start(auditor: Auditor, settings: AuditSettings) -> Self {
        let (told, status) = watch::channel(AuditStatus::default());
        Self {
            status,
            task: tokio::spawn(run(auditor, settings, told)),
        }
    }

    /// Returns its state; the receiver can also be awaited.
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
