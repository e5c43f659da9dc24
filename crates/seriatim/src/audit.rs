//! Audits of a store from outside a running application.

use std::sync::Arc;

use seriatim_core::{Store, StoreError};
use seriatim_runtime::{Audit, AuditProgress, Auditor};

/// Checks that a store's log is complete, and that neither progress nor effects contradict it. `progress` is called
/// after each page. `read_models` are databases whose progress is compared with this log too. It only reads, and may
/// run beside applications that write.
///
/// Only the application can tell which effects a component has: see [`App::audit`](crate::App::audit).
pub async fn audit(
    store: &Arc<dyn Store>,
    read_models: &[Arc<dyn Store>],
    progress: impl FnMut(&AuditProgress) + Send,
) -> Result<Audit, StoreError> {
    let mut auditor = Auditor::new(Arc::clone(store));
    for other in read_models {
        auditor = auditor.beside(Arc::clone(other) as _);
    }
    auditor.audit(progress).await
}
