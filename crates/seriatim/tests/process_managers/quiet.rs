//! A second process manager on the same events: it waits until nothing happens to an order any more.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, Domain, EventFilter};
use seriatim::prelude::*;

use crate::shop::{Order, OrderEvent};

/// The time for which it has to be quiet.
pub(crate) const QUIET: Duration = Duration::from_millis(300);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Noise {
    order: Uuid,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quiet {
    order: Uuid,
}

impl ProcessManager for Quiet {
    const NAME: &'static str = "quiet";
    type Input = Noise;

    fn filter() -> EventFilter {
        EventFilter {
            domains: vec![Domain::of::<Order>()],
            ..EventFilter::default()
        }
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Noise)>, DecodeError> {
        let order = recorded.stream.root;
        let event = recorded.of::<Order>().transpose()?;
        let noise = event.filter(|event| *event != OrderEvent::Quiet);
        Ok(noise.map(|_| (order, Noise { order })))
    }

    fn decide(&self, trigger: &Trigger<Noise>, plan: &mut Plan) {
        match trigger {
            Trigger::Input(_) => plan.set_timer("quiet", QUIET),
            Trigger::Timer(_) => {
                plan.record::<Order>(self.order, &OrderEvent::Quiet);
            }
            Trigger::Rejected(_) => {}
        }
    }

    fn evolve(&mut self, trigger: &Trigger<Noise>) {
        if let Trigger::Input(Noise { order }) = trigger {
            self.order = *order;
        }
    }
}
