//! P1: every command begins a stream.

use seriatim::core::ExpectedSequence::{Any, NoStream};
use seriatim_bench::Outcome;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::{Must, Row};

use super::raw::{batched_inserts, single_inserts};
use crate::context::{Context, On};
use crate::rows::ours::new_streams;

const IN_FLIGHT: usize = 64;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let (singles, batched) = (context.scaled(50_000), context.scaled(200_000));
    let [singles, batched, said, unsaid] = in_turn(
        context.rounds,
        [
            &mut || single_inserts(context, singles, 0, singles),
            &mut || batched_inserts(context, batched, 0, batched),
            &mut || new_streams(context, on, NoStream, IN_FLIGHT),
            &mut || new_streams(context, on, Any, IN_FLIGHT),
        ],
    )?;
    let row = |workload, ours, limit, against| {
        Row::compared("P1", workload, "commands/s", ours, limit, against)
    };
    let (none, any) = (
        "new streams, sender expects none, 64 in flight",
        "new streams, sender expects any, 64 in flight",
    );
    let one_by_one = "single inserts, a commit each, 64 connections";
    let by_100 = "batches of 100 by unnest, a commit each, one connection";
    Ok(vec![
        row(none, &said, one_by_one, &singles).must(Must::AtLeast(2.5)),
        row(any, &unsaid, one_by_one, &singles).must(Must::AtLeast(2.5)),
        row(none, &said, by_100, &batched).must(Must::AtLeast(0.5)),
        row(any, &unsaid, by_100, &batched),
    ])
}
