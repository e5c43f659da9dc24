//! `jobs list`, `show`, `results`, `pause`, `resume`, `cancel`, and bulk decisions about dead letters.

use std::time::Duration;

use seriatim_core::{JobOutcome, JobResult, JobStatus, NewJob, Verb};
use seriatim_proto::Client;
use uuid::Uuid;

use super::reactions::refused;
use crate::args::Jobs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, jobs as show};

/// The time between two looks at a job that is followed.
const LOOK: Duration = Duration::from_millis(250);

pub(crate) async fn run(
    wanted: Jobs,
    actor: Option<String>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let actor = actor.as_deref();
    let changed = match wanted {
        Jobs::List { limit } => return list(limit, client, output).await,
        Jobs::Results { id, follow: true } => return follow(id, client, output).await,
        Jobs::Results { id, follow: false } => {
            Results::of(id).print_all(client, output).await?;
            return Ok(Exit::Ok);
        }
        Jobs::Show { id } => client.job(id).await,
        Jobs::Pause { id } => client.pause_job(id, actor).await,
        Jobs::Resume { id } => client.resume_job(id, actor).await,
        Jobs::Cancel { id } => client.cancel_job(id, actor).await,
    };
    let job = changed.map_err(refused)?;
    output.answer(&show::job_json(&job), &show::job(&job))?;
    Ok(Exit::Ok)
}

async fn list(limit: usize, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let (mut left, mut page) = (limit, None);
    while left > 0 {
        let (mut jobs, next) = client.jobs(page).await.map_err(refused)?;
        jobs.truncate(left);
        left -= jobs.len();
        output.lines(&jobs, show::job_json, show::jobs)?;
        page = next;
        if page.is_none() {
            break;
        }
    }
    if left == limit {
        output.hint("there are none");
    }
    Ok(Exit::Ok)
}

/// Shows how many letters a job would take.
pub(super) async fn count(
    new: &NewJob,
    actor: Option<&str>,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    let plan = client.count_job(new, actor).await.map_err(refused)?;
    if plan.letters == 0 {
        output.hint("nothing of that waits for a decision");
        return Ok(Exit::Ok);
    }
    output.answer(&show::plan_json(&plan), &show::plan(&plan))?;
    let verb = new.verb.as_str();
    output.hint(&format!(
        "nothing is done yet; `seriatim dead-letters list` shows them, and to {verb} them, say it again with --yes"
    ));
    Ok(Exit::Ok)
}

/// Starts a job, and waits for it if that is asked for.
pub(super) async fn start(
    new: &NewJob,
    actor: Option<&str>,
    waits: bool,
    client: &Client,
    output: &Output,
) -> Result<Exit, Failure> {
    if new.verb == Verb::Resubmit || new.reason.is_some() {
        let plan = client.count_job(new, actor).await.map_err(refused)?;
        if plan.letters == 0 {
            output.hint("nothing of that waits for a decision");
            return Ok(Exit::Ok);
        }
    }
    let job = client.start_job(new, actor).await.map_err(refused)?;
    if !waits {
        output.answer(&show::job_json(&job), &show::job(&job))?;
        return Ok(Exit::Ok);
    }
    let (id, letters) = (job.id, show::letters(job.plan.letters));
    output.hint(&format!(
        "job {id}: {letters}; it goes on if you leave, see `seriatim jobs show {id}`"
    ));
    follow(id, client, output).await
}

/// Prints the results of a job until it does not run any more.
async fn follow(id: Uuid, client: &Client, output: &Output) -> Result<Exit, Failure> {
    let mut results = Results::of(id);
    loop {
        let job = client.job(id).await.map_err(refused)?;
        // What it did before it had this status is in the list by now.
        results.print_all(client, output).await?;
        if job.status != JobStatus::Running {
            output.hint(&show::summary(&job));
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(match results.failed {
        true => Exit::DeadLettered,
        false => Exit::Ok,
    })
}

/// The results of a job, as far as they are printed.
struct Results {
    id: Uuid,
    page: Option<String>,
    /// The number of results of the page that are printed.
    printed: usize,
    failed: bool,
}

impl Results {
    fn of(id: Uuid) -> Self {
        Self {
            id,
            page: None,
            printed: 0,
            failed: false,
        }
    }

    /// Prints the results that are there and not printed yet.
    async fn print_all(&mut self, client: &Client, output: &Output) -> Result<(), Failure> {
        loop {
            let answer = client.job_results(self.id, self.page.clone()).await;
            let (results, next) = answer.map_err(refused)?;
            let new = results.get(self.printed..).unwrap_or_default();
            self.failed |= new.iter().any(has_failed);
            output.lines(new, show::result_json, show::results)?;
            self.printed = results.len();
            if next.is_none() {
                return Ok(());
            }
            (self.page, self.printed) = (next, 0);
        }
    }
}

fn has_failed(result: &JobResult) -> bool {
    result.outcome == JobOutcome::Failed
}
