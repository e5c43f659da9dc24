//! P2: one more event on streams of ten that are in memory.

use seriatim_bench::Outcome;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::Row;

use super::raw::{batched_inserts, single_inserts};
use crate::context::{Context, On};
use crate::rows::ours::{EVENTS, one_more_event, warm_streams};

const IN_FLIGHT: usize = 64;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let streams = warm_streams(context);
    let events = i32::try_from(EVENTS)?;
    let (singles, batched) = (context.scaled(50_000), context.scaled(100_000));
    let [singles, batched, ours] = in_turn(
        context.rounds,
        [
            &mut || single_inserts(context, streams, events, singles),
            &mut || batched_inserts(context, streams, events, batched),
            &mut || one_more_event(context, on, IN_FLIGHT),
        ],
    )?;
    let row = |limit, against| {
        let workload = "warm streams of 10, 64 in flight";
        Row::compared("P2", workload, "commands/s", &ours, limit, against)
    };
    Ok(vec![
        row(
            "single inserts of what is known to be next, 64 connections",
            &singles,
        ),
        row(
            "batches of 100 of what is known to be next, by unnest, one connection",
            &batched,
        ),
    ])
}
