//! The process manager of an order: reserve, wait for the payment, ship; or take back what was done.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, Domain, EventFilter};
use seriatim::prelude::*;
use seriatim_testkit::given_process;

use crate::shop::{
    Order, OrderCommand, OrderEvent, OrderRejection, OutOfStock, Stock, StockCommand,
};

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum Input {
    Placed {
        order: Uuid,
        stock: Uuid,
        pay_within_ms: u64,
    },
    Paid,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fulfilment {
    order: Uuid,
    stock: Uuid,
}

fn cancel(order: Uuid, why: &str, plan: &mut Plan) {
    plan.send::<Order>(order, &OrderCommand::Cancel { why: why.into() });
}

impl ProcessManager for Fulfilment {
    const NAME: &'static str = "fulfilment";
    type Input = Input;

    fn filter() -> EventFilter {
        EventFilter {
            domains: vec![Domain::of::<Order>()],
            ..EventFilter::default()
        }
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Input)>, DecodeError> {
        let Some(event) = recorded.of::<Order>().transpose()? else {
            return Ok(None);
        };
        let order = recorded.stream.root;
        let input = match event {
            OrderEvent::Placed {
                stock,
                pay_within_ms,
            } => Input::Placed {
                order,
                stock,
                pay_within_ms,
            },
            OrderEvent::Paid => Input::Paid,
            OrderEvent::Shipped | OrderEvent::Cancelled { .. } | OrderEvent::Quiet => {
                return Ok(None);
            }
        };
        Ok(Some((order, input)))
    }

    fn decide(&self, trigger: &Trigger<Input>, plan: &mut Plan) {
        match trigger {
            Trigger::Input(Input::Placed {
                stock,
                pay_within_ms,
                ..
            }) => {
                plan.send::<Stock>(*stock, &StockCommand::Reserve);
                plan.set_timer("unpaid", Duration::from_millis(*pay_within_ms));
            }
            Trigger::Input(Input::Paid) => {
                plan.send::<Order>(self.order, &OrderCommand::Ship);
                plan.finish();
            }
            Trigger::Timer(_) => {
                cancel(self.order, "not paid", plan);
                plan.send::<Stock>(self.stock, &StockCommand::Release);
                plan.finish();
            }
            Trigger::Rejected(rejected) => match &*rejected.rejected.code {
                "OutOfStock" => {
                    cancel(self.order, "out of stock", plan);
                    plan.finish();
                }
                // It was paid in the last moment. What was released is reserved again.
                "AlreadyPaid" => {
                    plan.send::<Stock>(self.stock, &StockCommand::Reserve);
                    plan.send::<Order>(self.order, &OrderCommand::Ship);
                }
                _ => {}
            },
        }
    }

    fn evolve(&mut self, trigger: &Trigger<Input>) {
        if let Trigger::Input(Input::Placed { order, stock, .. }) = trigger {
            (self.order, self.stock) = (*order, *stock);
        }
    }
}

fn placed() -> Input {
    Input::Placed {
        order: Uuid::from_u128(1),
        stock: Uuid::from_u128(2),
        pay_within_ms: 50,
    }
}

const ORDER: Uuid = Uuid::from_u128(1);
const STOCK: Uuid = Uuid::from_u128(2);

#[test]
fn a_paid_order_is_shipped_and_the_process_ends() {
    given_process::<Fulfilment>([placed()])
        .when(Input::Paid)
        .then(|plan| {
            plan.send::<Order>(ORDER, &OrderCommand::Ship);
            plan.finish();
        })
        .when(Input::Paid)
        .then_dropped();
}

#[test]
fn what_is_rejected_is_compensated_even_after_the_end() {
    given_process::<Fulfilment>([placed()])
        .when_timer("unpaid")
        .then(|plan| {
            cancel(ORDER, "not paid", plan);
            plan.send::<Stock>(STOCK, &StockCommand::Release);
            plan.finish();
        })
        .when_rejected::<Order>(
            ORDER,
            &OrderCommand::Cancel { why: "".into() },
            &OrderRejection::AlreadyPaid,
        )
        .then(|plan| {
            plan.send::<Stock>(STOCK, &StockCommand::Reserve);
            plan.send::<Order>(ORDER, &OrderCommand::Ship);
            plan.finish();
        });
    given_process::<Fulfilment>([placed()])
        .when_rejected::<Stock>(STOCK, &StockCommand::Reserve, &OutOfStock)
        .then(|plan| {
            cancel(ORDER, "out of stock", plan);
            plan.finish();
        });
}

#[test]
#[should_panic(expected = "it plans something else")]
fn a_wrong_expectation_fails() {
    given_process::<Fulfilment>([])
        .when(placed())
        .then(|plan| plan.set_timer("unpaid", Duration::from_millis(50)));
}

#[test]
#[should_panic(expected = "the timer `unpaid` is not set")]
fn a_timer_that_is_not_set_cannot_run_out() {
    let _ = given_process::<Fulfilment>([placed(), Input::Paid]).when_timer("unpaid");
}
