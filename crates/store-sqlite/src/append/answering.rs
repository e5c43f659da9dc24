//! Answers the callers of a commit on their runtime, so that the writing thread does not wake each of them.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_store_sql::others_first;
use tokio::runtime::Handle;

use crate::append::job::{Answer, Job};

/// The time that the runtime has to answer. It may be at its end, or stand still.
const PATIENCE: Duration = Duration::from_millis(1);

/// Answers jobs.
pub(super) struct Answering {
    runtime: Option<Handle>,
    /// The jobs that a task of the runtime was given, and when it has answered them.
    given: Option<(Answers, Receiver<()>)>,
}

/// The task or the thread that answers them takes them out.
type Answers = Arc<Mutex<Vec<(Job, Answer)>>>;

impl Answering {
    /// Answers on this runtime, if there is one.
    pub(super) fn new(runtime: Option<Handle>) -> Self {
        Self {
            runtime,
            given: None,
        }
    }

    /// Answers the jobs. A single one, or any without a runtime, is answered before this returns.
    pub(super) fn answer(&mut self, answers: Vec<(Job, Answer)>) {
        self.wait();
        let Some(runtime) = self.runtime.as_ref().filter(|_| answers.len() > 1) else {
            return answer_all(answers);
        };
        let answers = Arc::new(Mutex::new(answers));
        let (given, (done, over)) = (Arc::clone(&answers), mpsc::channel());
        runtime.spawn(async move {
            answer_all(take(&given));
            others_first().await;
            let _ = done.send(());
        });
        self.given = Some((answers, over));
    }

    /// Waits until the jobs are answered and their callers had the time to send again. Must be called before the thread
    /// waits for the next request.
    pub(super) fn wait(&mut self) {
        if let Some((answers, over)) = self.given.take() {
            let _ = over.recv_timeout(PATIENCE);
            answer_all(take(&answers));
        }
    }
}

fn answer_all(answers: Vec<(Job, Answer)>) {
    answers
        .into_iter()
        .for_each(|(job, answer)| job.answer(answer));
}

fn take(answers: &Answers) -> Vec<(Job, Answer)> {
    std::mem::take(&mut *answers.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use seriatim_store_sql::Call;

    use super::*;

    /// As at the end of a program, and in one that drives its runtime by hand.
    #[test]
    fn callers_are_answered_if_the_runtime_stands_still() {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        let mut answering = Answering::new(Some(runtime.handle().clone()));
        let (jobs, answers): (Vec<_>, Vec<_>) = (0..2).map(|_| Call::new(Vec::new())).unzip();
        let jobs = jobs.into_iter().map(Job::Append);
        answering.answer(
            jobs.map(|job| (job, Answer::Appended(Vec::new())))
                .collect(),
        );
        answering.wait();
        for answer in answers {
            answer.get().now_or_never().unwrap().unwrap();
        }
    }
}
