//! Audits in the background: slowly, and again and again.

use std::fmt;
use std::time::Duration;

use seriatim_core::StoreError;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::auditor::Auditor;
use super::report::Audit;
use crate::meter;

/// The settings of an audit in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// The audit rests this many times as long as a page took, after each page. The default is 9: it takes a tenth of
    /// one reader.
    pub rest: u32,
    /// The time between two checks of new events and all progress. The outcomes of effects are checked for at most this
    /// long before new events are checked again. The default is 10 s.
    pub every: Duration,
    /// The time after which it begins again at the first event, because sound data may be damaged later. The default is
    /// 6 h.
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
    /// The result when it last came to the end of the log; `None` until it has come there once.
    pub latest: Option<Audit>,
    /// The number of times that it has come to the end.
    pub rounds: u64,
    /// The reason why it cannot continue; `None` if it can.
    pub error: Option<StoreError>,
}

/// An audit that runs in the background. Dropping it ends it.
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

    /// Returns a receiver for its state. The receiver can be awaited too.
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
        "the stored data contradicts itself; see `Audit` in docs/operating.md"
    );
}
