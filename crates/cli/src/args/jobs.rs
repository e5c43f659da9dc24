//! Bulk jobs.

use clap::Subcommand;
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// List the jobs, the newest first
    List {
        /// The most jobs to list
        #[arg(long, value_name = "N", default_value = "20")]
        limit: usize,
    },
    /// Show a job with its progress
    Show {
        /// The job's id
        #[arg(value_parser = job_id)]
        id: Uuid,
    },
    /// Show what became of each letter, in the order in which they were tried
    Results {
        /// The job's id
        #[arg(value_parser = job_id)]
        id: Uuid,
        /// Go on until the job does not run any more
        #[arg(long)]
        follow: bool,
    },
    /// Pause a job; letters that are being tried get their results
    Pause {
        /// The job's id
        #[arg(value_parser = job_id)]
        id: Uuid,
    },
    /// Let a job go on that is paused, or that has stopped at a letter that was not accepted
    Resume {
        /// The job's id
        #[arg(value_parser = job_id)]
        id: Uuid,
    },
    /// Cancel a job, for good; what it has done stays
    Cancel {
        /// The job's id
        #[arg(value_parser = job_id)]
        id: Uuid,
    },
}

fn job_id(text: &str) -> Result<Uuid, String> {
    text.parse()
        .map_err(|_| "a job's id is a UUID; `seriatim jobs list` shows them".into())
}
