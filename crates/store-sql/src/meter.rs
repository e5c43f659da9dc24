//! Reports the metrics of commits to the facade `metrics`.

use std::sync::OnceLock;

use metrics::Histogram;
use seriatim_core::COMMIT_APPENDS;

/// Counts commits. It uses the recorder that is installed at the first commit, because an application installs one
/// after it has opened its store.
#[derive(Debug, Default)]
pub struct CommitMeter {
    appends: OnceLock<Histogram>,
}

impl CommitMeter {
    /// Counts a commit of this many appends, unless there are none.
    #[expect(
        clippy::cast_precision_loss,
        reason = "histograms are of numbers of this kind"
    )]
    pub fn committed(&self, appends: usize) {
        if appends > 0 {
            let made = self
                .appends
                .get_or_init(|| metrics::histogram!(COMMIT_APPENDS));
            made.record(appends as f64);
        }
    }
}
