//! An order: several people and systems write it at once, and each change is merged in the way that suits it.

mod events;
mod commands;
mod rejections;
mod state;
mod decide;
mod evolve;
mod merge;
#[cfg(test)]
mod tests;

pub(crate) use commands::OrderCommand;
pub(crate) use events::{Address, OrderEvent};
pub(crate) use rejections::OrderRejection;
pub(crate) use state::{Item, Order, Status};

use seriatim::prelude::*;

impl Aggregate for Order {
    const DOMAIN: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Rejection = OrderRejection;

    fn decide(&self, command: &OrderCommand) -> Result<Vec<OrderEvent>, OrderRejection> {
        decide::decide(self, command)
    }

    fn evolve(&mut self, event: &OrderEvent) {
        evolve::evolve(self, event);
    }

    fn on_fact(&self, fact: &Fact<OrderEvent>) -> Vec<OrderEvent> {
        decide::on_fact(self, &fact.event)
    }

    fn on_rejected(&self, effect: &RejectedEffect) -> Vec<OrderEvent> {
        decide::on_rejected(self, effect)
    }

    fn merge_strategy(command: &OrderCommand) -> MergeStrategy {
        merge::strategy(command)
    }

    fn merge(&self, command: &OrderCommand, base: &Self, theirs: &[OrderEvent]) -> Merge<Self> {
        merge::merge(self, command, base, theirs)
    }
}
