//! Bulk jobs on dead letters: one decision about many letters, kept in the log.
//!
//! Each job is a stream of Seriatim's own domain `seriatim.jobs`, so it goes on after its caller is gone, in any process
//! of the application. A job takes a few letters at a time: it records which, decides about one after another, and
//! records the results. After a crash the next process finds the letters that were taken and have no result. The history
//! of such a letter tells whether the job has tried it, because each attempt of a job names the job in its reason.

mod bulk_job;
mod job_desk;
mod runner;
mod trying;
mod view;

pub use bulk_job::{BulkJob, JobCommand, JobEvent, JobFilter, JobRejection};
pub use job_desk::{JobDesk, JobError};
pub use runner::{JobRunner, Reach};
