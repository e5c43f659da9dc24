//! Catches panics of the code under test without printing them on standard error.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Returns the result of `call`, or the message that it panicked with.
///
/// Finding a smallest counter-example may mean hundreds of panics; with a report of each, the important one would be
/// lost.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = take_hook();
        set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                loud(panic);
            }
        }));
    });
    let before = QUIET.replace(true);
    // Whatever the call leaves half done is dropped with the case.
    let result = catch_unwind(AssertUnwindSafe(call));
    QUIET.set(before);
    result.map_err(|panic| message(panic.as_ref()))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_result_or_the_message() {
        assert_eq!(catch(|| 1), Ok(1));
        let five = 5;
        assert_eq!(catch(|| panic!("at {five}")), Err::<(), _>("at 5".into()));
        assert_eq!(catch(|| panic!("plain")), Err::<(), _>("plain".into()));
    }
}
