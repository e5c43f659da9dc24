//! Fences in user code: a panic in an aggregate affects that stream and no other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use seriatim_core::{Fault, panic_message};

/// Runs `f`, which calls the aggregate's `function`. Fails with a fault if it panics.
///
/// The caller must throw away everything that `f` may have left half-made.
pub(crate) fn guarded<T>(function: &'static str, f: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| Fault::Panicked {
        function,
        message: panic_message(panic.as_ref()).into(),
    })
}
