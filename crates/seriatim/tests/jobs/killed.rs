//! The process that works for a job of a thousand letters is killed in the middle, again and again.
//!
//! The processes are this test program itself, told a store by an environment variable.

use std::process::{Child, Command, Stdio};

use seriatim::core::JobStatus;
use seriatim_testkit::until;

use crate::shelf::*;
use crate::storage::on_every_storage;

const STORE: &str = "SERIATIM_TEST_JOBS";
const LETTERS: u32 = 1000;
const SHELVES: u32 = 7;
/// It is killed when so many letters have a result.
const KILLS: [u64; 3] = [100, 400, 700];

on_every_storage! { a_job_of_a_thousand_letters_goes_on_in_another_process }

/// Runs a child process.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn job_process() {
    let url = std::env::var(STORE).expect("the test that starts it says where");
    let app = open(&url).await.reaction_settings(settings());
    let _app = app.start().await.unwrap();
    std::future::pending::<()>().await;
}

async fn a_job_of_a_thousand_letters_goes_on_in_another_process(url: &str) {
    let app = open(url).await.works_for_jobs(false).start().await.unwrap();
    let mut roots = Vec::new();
    for _ in 0..SHELVES {
        roots.push(shelf(&app).await);
    }
    let mut letters = Vec::new();
    for number in 0..LETTERS {
        let root = roots[(number % SHELVES) as usize];
        letters.push(park(&app, root, number).await);
    }
    let id = start(&app, &resubmit_all()).await.id;
    for kill in KILLS {
        let worker = Worker::start(url);
        until("enough is done", async || {
            app.jobs().get(id).await.unwrap().counts.all() >= kill
        })
        .await;
        drop(worker);
        let job = app.jobs().get(id).await.unwrap();
        assert_eq!(job.status, JobStatus::Running, "{job:?}");
    }
    let _worker = Worker::start(url);
    let job = reaches(&app, id, JobStatus::Finished).await;
    let unlucky = u64::from(LETTERS / 100);
    let counts = (job.counts.done, job.counts.failed, job.counts.passed);
    assert_eq!(counts, (u64::from(LETTERS) - unlucky, unlucky, 0));
    let tried = results(&app, id).await;
    let tried: Vec<_> = tried.iter().map(|result| result.letter).collect();
    assert_eq!(tried, letters);
    for (index, root) in (0..).zip(&roots) {
        let ours = (0..LETTERS).filter(|n| n % SHELVES == index && n % 100 != UNLUCKY);
        assert_eq!(numbers(&app, *root).await, Vec::from_iter(ours));
    }
    let unlucky = unlucky as usize;
    assert_eq!(waiting(&app).await, (unlucky, unlucky));
    assert!(app.audit().await.unwrap().is_sound());
    app.shutdown().await.unwrap();
}

/// A process that works. It is killed when this is dropped.
struct Worker(Child);

impl Worker {
    fn start(url: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "killed::job_process", "--nocapture"]);
        let child = command.env(STORE, url).stdout(Stdio::null()).spawn();
        Self(child.unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
