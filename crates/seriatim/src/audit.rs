//! Audits of a store from outside of a running application.

use std::sync::Arc;

use seriatim_core::{Store, StoreError};
use seriatim_runtime::{Audit, AuditProgress, Auditor};

/// Proves that a store's log is whole, and that neither progress nor what effects left behind contradicts it; `progress` is
/// told after each page. `read_models` are databases whose progress is compared with this log too. Reads only, and may run
/// beside applications that write.
///
/// What a component asks for because of an event only its application can tell: [`App::audit`](crate::App::audit).
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
