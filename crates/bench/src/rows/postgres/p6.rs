//! P6: two coordinators, each a process of its own, on one database.

use std::time::Duration;

use seriatim_bench::Outcome;
use seriatim_bench::domain::new_roots;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::{Must, Row};
use uuid::Uuid;

use crate::child::{Process, Role};
use crate::context::{Context, On};

/// The number of commands that each coordinator has in flight.
const IN_FLIGHT: usize = 64;
const SHARED: usize = 10;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let shared = new_roots(SHARED);
    let [alone, two, alone_shared, two_shared] = in_turn(
        context.rounds,
        [
            &mut || coordinators(context, on, 1, &[]),
            &mut || coordinators(context, on, 2, &[]),
            &mut || coordinators(context, on, 1, &shared),
            &mut || coordinators(context, on, 2, &shared),
        ],
    )?;
    let row = |workload, two, alone, least| {
        let limit = "one coordinator alone doing the same, 64 in flight";
        Row::compared("P6", workload, "commands/s", two, limit, alone).must(Must::AtLeast(least))
    };
    Ok(vec![
        row(
            "two coordinators, new streams, 64 in flight each",
            &two,
            &alone,
            1.0,
        ),
        row(
            "two coordinators, the same 10 streams, 64 in flight each",
            &two_shared,
            &alone_shared,
            0.3,
        ),
    ])
}

/// Returns how many commands all of them do a second. They work for the same time, so that none is alone at the end.
fn coordinators(context: &Context, on: On, count: usize, roots: &[Uuid]) -> Outcome<f64> {
    let milliseconds = context.scaled(4_000);
    context.in_database(on, async |database| {
        let role = Role::Writer {
            url: database.url.clone(),
            roots: roots.to_vec(),
            in_flight: IN_FLIGHT,
            time: Duration::from_millis(u64::try_from(milliseconds)?),
        };
        let mut processes = Vec::new();
        for _ in 0..count {
            let mut process = Process::start(&role)?;
            process.line()?;
            processes.push(process);
        }
        database.settle().await?;
        for process in &mut processes {
            process.go()?;
        }
        let mut figure = 0.0;
        for mut process in processes {
            figure += process.line()?.parse::<f64>()?;
            process.end()?;
        }
        Ok(figure)
    })
}
