//! Defines the saga that carries out what a process manager has planned: the events of its instances say what to do.

use std::fmt;
use std::marker::PhantomData;

use crate::{Effects, Process, ProcessEvent, ProcessManager, RecordedEvent, Saga};

/// The saga that carries out the plans of a process manager's instances.
pub struct Dispatch<P>(PhantomData<fn() -> P>);

impl<P> Default for Dispatch<P> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<P: ProcessManager> fmt::Debug for Dispatch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dispatch").field(&P::NAME).finish()
    }
}

impl<P: ProcessManager> Saga for Dispatch<P> {
    const NAME: &'static str = P::NAME;
    type Source = Process<P>;

    fn react(&self, event: &ProcessEvent<P>, _: &RecordedEvent, effects: &mut Effects) {
        for effect in &event.planned.effects {
            effects.push(effect.clone());
        }
    }
}
