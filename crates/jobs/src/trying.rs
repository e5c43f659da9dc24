//! Decides about one letter for a job, once, even if the process before this one ended in the middle of it.

use seriatim_core::{
    DeadLetter, Decision, JobOutcome, JobRecord, JobResult, LetterStatus, OperatorError,
    QueryError, Timestamp, Verb,
};
use uuid::Uuid;

use crate::job_desk::JobDesk;

/// The most bytes of a result's text: a page has a thousand results.
const MOST_TEXT: usize = 1024;

impl JobDesk {
    /// Decides about a letter in hand. `is_left` says that an earlier process may have tried it. Fails only for reasons
    /// that say nothing about the letter, and then it may be called again as for a letter that is left.
    pub(crate) async fn try_letter(
        &self,
        job: &JobRecord,
        id: Uuid,
        is_left: bool,
    ) -> Result<JobResult, OperatorError> {
        let reason = reason(job);
        let result = |letter: Option<&DeadLetter>, outcome, text: String| JobResult {
            letter: id,
            stream: letter.map(|letter| letter.stream().clone()),
            outcome,
            text: cut(text),
            at: Timestamp::now(),
        };
        let before = match self.letters().find(id).await {
            Ok(letter) => letter,
            Err(error @ OperatorError::Query(QueryError::UnknownLetter { .. })) => {
                return Ok(result(None, JobOutcome::Passed, error.to_string()));
            }
            Err(error) => return Err(error),
        };
        if let Some((outcome, text)) = tried_before(&before, &reason) {
            return Ok(result(Some(&before), outcome, text));
        }
        let decision = Decision {
            letter: id,
            action: job.verb.into(),
            actor: job.started_by.clone(),
            reason: Some(reason.clone()),
        };
        let (outcome, text) = match self.letters().decide(&decision).await {
            Ok(letter) => outcome(&letter, &reason),
            Err(OperatorError::Closed { status, .. })
                if is_left && status == intended(job.verb) =>
            {
                let text = "done just before the process that worked for the job ended";
                (JobOutcome::Done, text.into())
            }
            Err(
                error @ (OperatorError::Closed { .. }
                | OperatorError::Decided { .. }
                | OperatorError::Query(QueryError::UnknownLetter { .. })),
            ) => (JobOutcome::Passed, error.to_string()),
            Err(error) if error.is_about_the_letter() => (JobOutcome::Failed, error.to_string()),
            Err(error) => return Err(error),
        };
        Ok(result(Some(&before), outcome, text))
    }
}

/// The letter itself has the whole text.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MOST_TEXT));
    text
}

/// Returns the reason of the job's attempts. It names the job, so it is different for every job.
fn reason(job: &JobRecord) -> String {
    match &job.reason {
        Some(reason) => format!("{reason} (job {})", job.id),
        None => format!("job {}", job.id),
    }
}

/// Returns the status of a letter about which the verb was carried out.
fn intended(verb: Verb) -> LetterStatus {
    match verb {
        Verb::Resubmit => LetterStatus::Resolved,
        Verb::Discard => LetterStatus::Discarded,
    }
}

/// Returns the result if the history of the letter has an attempt or a decision of the job.
fn tried_before(letter: &DeadLetter, reason: &str) -> Option<(JobOutcome, String)> {
    let is_ours = |given: &Option<String>| given.as_deref() == Some(reason);
    let attempted = (letter.attempts().iter()).any(|attempt| is_ours(&attempt.reason));
    let decided = match letter {
        DeadLetter::Command(_) => false,
        DeadLetter::Reaction(letter) => {
            (letter.decision.as_ref()).is_some_and(|decision| is_ours(&decision.reason))
        }
    };
    (attempted || decided).then(|| outcome(letter, reason))
}

/// Returns the result of a letter that the job has tried.
fn outcome(letter: &DeadLetter, reason: &str) -> (JobOutcome, String) {
    match letter {
        DeadLetter::Reaction(_) => {
            let text = "its component was told; the letter says what became of it";
            (JobOutcome::Handed, text.into())
        }
        DeadLetter::Command(letter) => {
            let mut attempts = letter.attempts.iter().rev();
            let ours = attempts.find(|attempt| attempt.reason.as_deref() == Some(reason));
            let outcome = match ours {
                Some(ours) if ours.closes => JobOutcome::Done,
                Some(_) | None if letter.status == LetterStatus::Parked => JobOutcome::Failed,
                Some(_) | None => JobOutcome::Passed,
            };
            let text = ours.map(|attempt| attempt.result.clone());
            (outcome, text.unwrap_or_default())
        }
    }
}
