//! Audits of a store from outside of a running application.

use std::sync::Arc;

use seriatim_core::{Store, StoreError};
use seriatim_runtime::{Audit, AuditProgress, Auditor};

/// Proves that a store's log is whole and that no progress kept in it contradicts it; `progress` is told after each page.
/// Reads only, and may run beside applications that write.
///
/// Components that keep their progress elsewhere are known to their applications only: [`App::audit`](crate::App::audit).
pub async fn audit(
    store: &Arc<dyn Store>,
    progress: impl FnMut(&AuditProgress) + Send,
) -> Result<Audit, StoreError> {
    let auditor = Auditor::new(Arc::clone(store) as _, Arc::clone(store) as _, None);
    auditor.audit(progress).await
}
