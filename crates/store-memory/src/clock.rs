//! The clock of the storage.

use std::fmt;

use seriatim_core::Timestamp;

pub(crate) struct Clock(Box<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    pub(crate) fn new(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Box::new(clock))
    }

    pub(crate) fn of_this_machine() -> Self {
        Self::new(Timestamp::now)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
