//! COST: what a command costs this process, and how many share a commit, beside the rate.

use seriatim::core::ExpectedSequence::{Any, NoStream};
use seriatim_bench::Outcome;
use seriatim_bench::measure::Figures;
use seriatim_bench::row::Row;

use crate::context::{Context, On};
use crate::rows::ours::{hot_stream, new_streams, one_more_event, send_typed};

type Measure = fn(&Context, On) -> Outcome<f64>;

const WORKLOADS: [(&str, Measure); 7] = [
    ("new streams, sender expects none, 64 in flight", |c, on| {
        new_streams(c, on, NoStream, 64)
    }),
    ("new streams, sender expects any, 64 in flight", |c, on| {
        new_streams(c, on, Any, 64)
    }),
    ("new streams, typed commands, 64 in flight", |c, on| {
        send_typed(c, on, 64)
    }),
    ("warm streams of 10, 64 in flight", |c, on| {
        one_more_event(c, on, 64)
    }),
    ("one hot stream, 64 in flight", |c, on| {
        hot_stream(c, on, 64)
    }),
    (
        "new streams, sender expects none, 256 in flight",
        |c, on| new_streams(c, on, NoStream, 256),
    ),
    (
        "new streams, sender expects none, one in flight",
        |c, on| new_streams(c, on, NoStream, 1),
    ),
];

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let mut rates = WORKLOADS.map(|_| Vec::new());
    let mut costs = WORKLOADS.map(|_| Vec::new());
    for round in 0..context.rounds {
        eprint!(" {}", round + 1);
        for (at, (_, measure)) in WORKLOADS.iter().enumerate() {
            rates[at].push(measure(context, on)?);
            costs[at].extend(context.take_cost());
        }
    }
    eprintln!();
    let rows = WORKLOADS.iter().zip(rates).zip(costs);
    let rows = rows.map(|(((workload, _), rates), costs)| {
        let row = Row::of("COST", *workload, "commands/s", &Figures(rates));
        match costs.is_empty() {
            true => row,
            false => row.costing(&costs),
        }
    });
    Ok(rows.collect())
}
