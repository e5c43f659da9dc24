//! A process manager: sees an order through from its placing to its end, and cancels it if nobody pays in time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

use crate::order::{Order, OrderCommand, OrderEvent};

const PAYMENT: &str = "payment";

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fulfilment {
    order: Uuid,
}

/// The events of an order that matter here. The names and fields are what is stored: change them with care.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Placed {
        order: Uuid,
        pay_within_seconds: u32,
    },
    Paid,
    Closed,
}

impl ProcessManager for Fulfilment {
    const NAME: &'static str = "fulfilment";
    type Input = Step;

    fn filter() -> EventFilter {
        EventFilter {
            domains: vec![Domain::of::<Order>()],
            ..EventFilter::default()
        }
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Step)>, DecodeError> {
        let order = recorded.stream.root;
        let Some(event) = recorded.of::<Order>().transpose()? else {
            return Ok(None);
        };
        let step = match event {
            OrderEvent::Placed {
                pay_within_seconds, ..
            } => Step::Placed {
                order,
                pay_within_seconds,
            },
            OrderEvent::PaidInFull => Step::Paid,
            OrderEvent::Shipped { .. } | OrderEvent::Cancelled { .. } => Step::Closed,
            _ => return Ok(None),
        };
        Ok(Some((order, step)))
    }

    fn decide(&self, trigger: &Trigger<Step>, plan: &mut Plan) {
        match trigger {
            Trigger::Input(Step::Placed {
                pay_within_seconds, ..
            }) => {
                let seconds = u64::from(*pay_within_seconds);
                plan.set_timer(PAYMENT, Duration::from_secs(seconds));
            }
            Trigger::Input(Step::Paid) => plan.cancel_timer(PAYMENT),
            Trigger::Input(Step::Closed) => plan.finish(),
            // A payment may be faster: the order knows.
            Trigger::Timer(_) => {
                let reason = "not paid in time".into();
                plan.send::<Order>(self.order, &OrderCommand::CancelUnpaid { reason });
            }
            // It was closed meanwhile, and that comes as an input.
            Trigger::Rejected(_) => {}
        }
    }

    fn evolve(&mut self, trigger: &Trigger<Step>) {
        if let Trigger::Input(Step::Placed { order, .. }) = trigger {
            self.order = *order;
        }
    }
}
