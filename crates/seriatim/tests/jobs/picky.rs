//! A component that fails on every event until it is content.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seriatim::core::RecordedEvent;
use seriatim::prelude::*;
use seriatim::{BackOff, FailurePolicy};

#[derive(Clone, Default)]
pub(crate) struct Picky(Arc<Mutex<(bool, BTreeSet<Uuid>)>>);

impl Picky {
    pub(crate) fn is_content(&self) {
        self.0.lock().unwrap().0 = true;
    }

    /// Returns the roots of the streams whose events it has handled.
    pub(crate) fn handled(&self) -> BTreeSet<Uuid> {
        self.0.lock().unwrap().1.clone()
    }
}

impl Projector for Picky {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut data = self.0.lock().unwrap();
        let shelves = events
            .iter()
            .filter(|event| event.stream.domain.as_str() == "shelf");
        for event in shelves {
            if !data.0 {
                return Err("not today".into());
            }
            data.1.insert(event.stream.root);
        }
        Ok(())
    }
}

/// Gives an event up when it has failed once.
pub(crate) fn at_once() -> FailurePolicy {
    FailurePolicy {
        back_off: BackOff {
            retries: 0,
            first: Duration::from_millis(1),
            ..BackOff::default()
        },
        ..FailurePolicy::park()
    }
}
