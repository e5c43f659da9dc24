//! A fence around user code: a panic in an aggregate is that stream's trouble, nobody else's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use seriatim_core::{Fault, panic_message};

/// Runs `f`, which calls the aggregate's `function`; a panic becomes a fault.
///
/// The caller must throw away whatever `f` may have left half done.
pub(crate) fn guarded<T>(function: &'static str, f: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| Fault::Panicked {
        function,
        message: panic_message(panic.as_ref()).into(),
    })
}
