//! Jobs, and processes that watch over them: each sets, replaces and cancels timers, and notes every step in two ledgers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, Domain, EventFilter};
use seriatim::prelude::*;

pub(crate) const LEDGERS: u128 = 2;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum JobEvent {
    Begun { due_ms: [u64; 2] },
    Delayed { due_ms: u64 },
    Calmed,
    Ended,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum JobCommand {
    Begin { due_ms: [u64; 2] },
    Delay { due_ms: u64 },
    Calm,
    End,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job;

impl Aggregate for Job {
    const DOMAIN: &'static str = "job";
    type Command = JobCommand;
    type Event = JobEvent;
    type Rejection = Never;

    fn decide(&self, command: &JobCommand) -> Result<Vec<JobEvent>, Never> {
        Ok(vec![match *command {
            JobCommand::Begin { due_ms } => JobEvent::Begun { due_ms },
            JobCommand::Delay { due_ms } => JobEvent::Delayed { due_ms },
            JobCommand::Calm => JobEvent::Calmed,
            JobCommand::End => JobEvent::Ended,
        }])
    }

    fn evolve(&mut self, _: &JobEvent) {}
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Noted {
    pub(crate) tag: String,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Note {
    pub(crate) tag: String,
}

/// Takes everything as often as it comes, so that what comes twice is seen.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ledger;

impl Aggregate for Ledger {
    const DOMAIN: &'static str = "ledger";
    type Command = Note;
    type Event = Noted;
    type Rejection = Never;

    fn decide(&self, Note { tag }: &Note) -> Result<Vec<Noted>, Never> {
        Ok(vec![Noted { tag: tag.clone() }])
    }

    fn evolve(&mut self, _: &Noted) {}
}

/// An event of a job, as the vigil is told of it.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) job: Uuid,
    pub(crate) event: JobEvent,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vigil {
    job: Uuid,
    steps: u32,
}

impl ProcessManager for Vigil {
    const NAME: &'static str = "vigil";
    type Input = Seen;

    fn filter() -> EventFilter {
        EventFilter {
            domains: vec![Domain::of::<Job>()],
            ..EventFilter::default()
        }
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Seen)>, DecodeError> {
        let job = recorded.stream.root;
        let event = recorded.of::<Job>().transpose()?;
        Ok(event.map(|event| (job, Seen { job, event })))
    }

    fn decide(&self, trigger: &Trigger<Seen>, plan: &mut Plan) {
        let millis = Duration::from_millis;
        let mut job = self.job;
        match trigger {
            Trigger::Input(seen) => {
                job = seen.job;
                match seen.event {
                    JobEvent::Begun {
                        due_ms: [one, other],
                    } => {
                        plan.set_timer("one", millis(one));
                        plan.set_timer("other", millis(other));
                    }
                    JobEvent::Delayed { due_ms } => plan.set_timer("one", millis(due_ms)),
                    JobEvent::Calmed => plan.cancel_timer("other"),
                    JobEvent::Ended => plan.finish(),
                }
            }
            Trigger::Timer(_) | Trigger::Rejected(_) => {}
        }
        for ledger in 0..LEDGERS {
            let tag = format!("{job}/{}/{ledger}", self.steps);
            plan.send::<Ledger>(Uuid::from_u128(ledger), &Note { tag });
        }
    }

    fn evolve(&mut self, trigger: &Trigger<Seen>) {
        self.steps += 1;
        if let Trigger::Input(seen) = trigger {
            self.job = seen.job;
        }
    }
}
