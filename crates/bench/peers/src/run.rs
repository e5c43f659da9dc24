//! A run: rounds in which every workload is done by every contender, in turn.

use std::time::{Duration, Instant};

use crate::contender::{Kind, Library};
use crate::database::Server;
use crate::ground::{Content, Ground};
use crate::report::{About, Measured, Report};
use crate::trial::{self, Length};
use crate::workload::Workload;
use crate::{Args, Outcome, contenders};

/// Measures what was asked for.
pub(crate) async fn run(args: &Args) -> Outcome<Report> {
    let libraries = chosen(args);
    let workloads = args.workloads();
    let mut server = Server::connect(&args.postgres).await?;
    server.sweep().await?;
    let settings = seriatim_bench::postgres::Server::new(&args.postgres)
        .in_words()
        .await?;
    let mut ground = Ground::new(server, Content::new(args.quick));
    let measured = measure(&mut ground, &libraries, &workloads, args).await;
    ground.server.sweep().await?;
    let about = libraries.iter().map(|library| About::of(library.as_ref()));
    Report::new(args, settings, about.collect(), measured?)
}

/// Those that were named, or all.
fn chosen(args: &Args) -> Vec<Box<dyn Library>> {
    let named = |library: &dyn Library| {
        let name = library.name().to_lowercase();
        args.contenders.is_empty()
            || args
                .contenders
                .iter()
                .any(|part| name.contains(&part.to_lowercase()))
    };
    let all = contenders::all().into_iter();
    all.filter(|library| named(library.as_ref())).collect()
}

async fn measure(
    ground: &mut Ground,
    libraries: &[Box<dyn Library>],
    workloads: &[Workload],
    args: &Args,
) -> Outcome<Vec<Measured>> {
    let takes_part = |library: &dyn Library| {
        let mut theirs = workloads.iter().filter(|workload| workload.needs_streams());
        theirs.any(|workload| library.does(*workload))
    };
    let in_need: Vec<_> = libraries
        .iter()
        .map(AsRef::as_ref)
        .filter(|library| takes_part(*library))
        .collect();
    let mut measured: Vec<_> = workloads
        .iter()
        .flat_map(|workload| libraries.iter().map(move |library| (*workload, library)))
        .filter(|(workload, library)| library.does(*workload))
        .map(|(workload, library)| Measured::of(workload, library.name(), library.kind()))
        .collect();
    let mut progress = Progress::new(measured.len() * args.rounds());
    for library in &in_need {
        eprint!("filling the tables of {} ", library.name());
        let start = Instant::now();
        match ground.fill(*library).await {
            Ok(()) => eprintln!("took {:.0} s", start.elapsed().as_secs_f64()),
            Err(error) => eprintln!("failed: {error}"),
        }
    }
    progress.begin();
    for round in 0..args.rounds() {
        for library in &in_need {
            ground.renew(*library).await?;
        }
        for (place, workload) in workloads.iter().enumerate() {
            for library in rotated(libraries, round + place) {
                let line = measured
                    .iter_mut()
                    .find(|line| line.is(*workload, library.name()));
                let Some(line) = line else { continue };
                progress.announce(round, args.rounds(), line);
                let figure = trial::run(ground, library.as_ref(), *workload, args.length()).await;
                progress.tell(line.add(figure), workload.unit());
            }
        }
    }
    Ok(measured)
}

/// Nobody is always first or always after the same one.
fn rotated<T>(all: &[T], by: usize) -> impl Iterator<Item = &T> {
    let (after, before) = all.split_at(by % all.len().max(1));
    before.iter().chain(after)
}

/// Says on stderr what is going on and how long it will take.
struct Progress {
    total: usize,
    done: usize,
    start: Instant,
}

impl Progress {
    fn new(total: usize) -> Self {
        Self {
            total,
            done: 0,
            start: Instant::now(),
        }
    }

    fn begin(&mut self) {
        self.start = Instant::now();
    }

    fn announce(&self, round: usize, rounds: usize, line: &Measured) {
        let left = match self.done {
            0 => String::new(),
            done => {
                let each = self.start.elapsed().as_secs_f64() / done as f64;
                let left = each * (self.total - done) as f64;
                format!(", {} left", minutes(left))
            }
        };
        eprint!(
            "round {}/{rounds}{left}: {}, {} ",
            round + 1,
            line.workload,
            line.contender
        );
    }

    fn tell(&mut self, per_second: Option<f64>, unit: &str) {
        self.done += 1;
        match per_second {
            Some(per_second) => eprintln!("{} {unit}", crate::report::figure(per_second)),
            None => eprintln!("failed"),
        }
    }
}

fn minutes(seconds: f64) -> String {
    match seconds {
        ..90.0 => format!("{seconds:.0} s"),
        _ => format!("{:.0} min", seconds / 60.0),
    }
}

impl Args {
    fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { 3 })
    }

    fn length(&self) -> Length {
        let seconds = self.seconds.unwrap_or(if self.quick { 0.5 } else { 0.8 });
        Length {
            warm_up: Duration::from_millis(250),
            window: Duration::from_secs_f64(seconds),
        }
    }

    fn workloads(&self) -> Vec<Workload> {
        match (self.workloads.is_empty(), self.quick) {
            (false, _) => self.workloads.clone(),
            (true, true) => Workload::QUICK.to_vec(),
            (true, false) => Workload::ALL.to_vec(),
        }
    }
}

impl About {
    fn of(library: &dyn Library) -> Self {
        Self {
            contender: library.name().into(),
            kind: library.kind(),
            about: library.about(),
        }
    }
}

impl Measured {
    fn of(workload: Workload, contender: &str, kind: Kind) -> Self {
        Self {
            workload: workload.to_string(),
            in_words: workload.in_words(),
            unit: workload.unit().into(),
            contender: contender.into(),
            kind,
            rounds: Vec::new(),
            failed: None,
        }
    }

    fn is(&self, workload: Workload, contender: &str) -> bool {
        self.workload == workload.to_string() && self.contender == contender
    }

    /// Keeps what a round gave. One failure is kept instead of its figure; the others stay.
    fn add(&mut self, figure: Outcome<crate::window::Figure>) -> Option<f64> {
        match figure {
            Ok(figure) => {
                self.rounds.push(figure);
                Some(figure.per_second)
            }
            Err(error) => {
                eprint!("({error}) ");
                self.failed = Some(error.to_string());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_first_once() {
        let order = |by| rotated(&['a', 'b', 'c'], by).collect::<String>();
        assert_eq!([order(0), order(1), order(2)], ["abc", "bca", "cab"]);
        assert_eq!(order(3), "abc");
    }
}
