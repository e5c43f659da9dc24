//! Lists the letters about parked commands, and carries out what people decide about them.

use async_trait::async_trait;
use serde_json::json;
use seriatim_core::{
    Action, Attempt, ClaimKey, ClaimRecord, CommandLetter, ConflictReason, DeadLetter, Decision,
    FirstResult, LetterFilter, LetterSimulation, LetterSource, LetterStatus, OpenLetter,
    OperatorError, Outcome, QueryError, Receipt, Rejected, SequenceConflict, Simulated,
    SubmitError, Timestamp,
};
use uuid::Uuid;

use crate::Coordinator;

/// A decision about a letter spends a claim of its stream, in the commit that carries it out. So of several people only
/// one decides, and after a crash the claim tells the letter's outcome, even if the letter does not.
#[async_trait]
impl LetterSource for Coordinator {
    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, OperatorError> {
        let found = self.store().letters(filter, limit).await?;
        let shown = found.into_iter().map(|letter| self.shown(letter));
        Ok(shown.collect())
    }

    async fn find(&self, id: Uuid) -> Result<Option<DeadLetter>, OperatorError> {
        let found = self.store().letter(id).await?;
        Ok(found.map(|letter| self.shown(letter)))
    }

    async fn open(&self, id: Uuid) -> Result<Option<OpenLetter>, OperatorError> {
        match self.examine(id).await {
            Ok(mut view) => {
                self.to_today(&mut view.letter);
                Ok(Some(OpenLetter::Command(Box::new(view))))
            }
            Err(QueryError::UnknownLetter { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn simulate(&self, id: Uuid) -> Result<Option<LetterSimulation>, OperatorError> {
        let Some(letter) = self.store().letter(id).await? else {
            return Ok(None);
        };
        require_parked(&letter)?;
        let host = self.host_to_ask(&letter.stream().domain)?;
        let simulation = host.simulate_letter(&letter).await?;
        // The letter has not learned yet of the decision that has spent its claim.
        if let Simulated::Duplicate(first) | Simulated::ExternalIdReused(first) =
            &simulation.outcome
        {
            let (status, _) = outcome(first);
            return Err(OperatorError::Closed { id, status });
        }
        Ok(Some(LetterSimulation::Command(Box::new(simulation))))
    }

    async fn decide(&self, decision: &Decision) -> Result<Option<DeadLetter>, OperatorError> {
        let Some(letter) = self.store().letter(decision.letter).await? else {
            return Ok(None);
        };
        require_parked(&letter)?;
        let refusal = refusal(decision);
        let action = &decision.action;
        let answer = self.act(&letter, action, refusal.clone()).await?;
        if let Some(moved) = moved(&letter, action, &answer) {
            return Err(moved);
        }
        let key = ClaimKey::Letter(letter.id).to_string();
        let claim = self.store().find_claim(letter.stream(), &key).await?;
        let is_ours = match (action, &answer, &claim) {
            (_, _, None) => true,
            (Action::Resubmit { .. }, Ok(receipt), _) => {
                !matches!(receipt.outcome, Outcome::Duplicate(_))
            }
            (Action::Resubmit { .. }, Err(_), Some(_)) => false,
            (Action::Discard, _, Some(claim)) => {
                matches!(&claim.first, FirstResult::Rejected(first) if **first == refusal)
            }
        };
        let (status, mut result) = result(claim.as_ref(), &answer, action);
        if !is_ours {
            result = format!("too late, somebody else was first: {result}");
        }
        let (verb, actor, reason) = (action.name(), &decision.actor, &decision.reason);
        let stream = letter.stream();
        tracing::info!(%stream, letter = %letter.id, verb, actor, reason, result, "a letter was decided about");
        let letter = self.note(letter, decision, status, result).await?;
        match is_ours {
            true => Ok(Some(self.shown(letter))),
            false => Err(OperatorError::Closed {
                id: letter.id,
                status: letter.status,
            }),
        }
    }
}

impl Coordinator {
    /// Returns the letter with its commands in today's shape. It is only for showing: what is written back must be what
    /// was stored.
    fn shown(&self, mut letter: CommandLetter) -> DeadLetter {
        self.to_today(&mut letter);
        DeadLetter::Command(Box::new(letter))
    }

    fn to_today(&self, letter: &mut CommandLetter) {
        let request = &mut letter.request;
        let shapes = self.log().shapes();
        shapes.apply_to_commands(&request.stream.domain, &mut request.commands);
    }

    async fn act(
        &self,
        letter: &CommandLetter,
        action: &Action,
        refusal: Rejected,
    ) -> Result<Result<Receipt, SubmitError>, QueryError> {
        let host = self.host_to_ask(&letter.stream().domain)?;
        let place = match self.place(letter.request.commands.iter()) {
            Ok(place) => place,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match action {
            Action::Resubmit { expected } => host.resubmit(letter, *expected, place).await,
            Action::Discard => host.discard(letter, refusal, place).await,
        })
    }

    /// Adds an attempt to a letter, behind those that others have added meanwhile.
    async fn note(
        &self,
        mut letter: CommandLetter,
        decision: &Decision,
        status: LetterStatus,
        result: String,
    ) -> Result<CommandLetter, OperatorError> {
        let attempt = Attempt {
            at: Timestamp::now(),
            actor: decision.actor.clone(),
            reason: decision.reason.clone(),
            result,
        };
        loop {
            letter.attempts.push(attempt.clone());
            if letter.status == LetterStatus::Parked {
                letter.status = status;
            }
            if self.store().revise(&letter).await? {
                return Ok(letter);
            }
            let id = letter.id;
            let newer = self.store().letter(id).await?;
            letter = newer.ok_or(QueryError::UnknownLetter { id })?;
        }
    }
}

/// Returns the error if the stream is not where the person saw it. Nothing was written then, and nobody has decided
/// before.
fn moved(
    letter: &CommandLetter,
    action: &Action,
    answer: &Result<Receipt, SubmitError>,
) -> Option<OperatorError> {
    let (Action::Resubmit { expected }, Err(SubmitError::Conflict(refused))) = (action, answer)
    else {
        return None;
    };
    let SequenceConflict {
        conflict, reason, ..
    } = &**refused;
    let is_moved = *reason == ConflictReason::Strict && conflict.expected == *expected;
    is_moved.then(|| OperatorError::Moved {
        id: letter.id,
        stream: letter.stream().clone(),
        conflict: *conflict,
    })
}

/// Returns the rejection that marks a discard; its attempt tells it from all others.
fn refusal(decision: &Decision) -> Rejected {
    let reason = decision.reason.clone().unwrap_or_default();
    Rejected {
        code: Rejected::DISCARDED.into(),
        message: format!("the parked command was discarded: {reason}"),
        fields: vec![
            ("actor".into(), json!(decision.actor)),
            ("attempt".into(), json!(Uuid::now_v7())),
        ],
    }
}

/// Returns the letter's current status, and its result in words.
fn result(
    claim: Option<&ClaimRecord>,
    answer: &Result<Receipt, SubmitError>,
    action: &Action,
) -> (LetterStatus, String) {
    match (claim.map(|claim| &claim.first), answer) {
        (Some(first), _) => outcome(first),
        (None, Err(error)) => {
            let done = match action {
                Action::Resubmit { .. } => "accepted",
                Action::Discard => "discarded",
            };
            (LetterStatus::Parked, format!("not {done}: {error}"))
        }
        (None, Ok(_)) => (LetterStatus::Parked, "the log has lost the result".into()),
    }
}

/// Returns the status of a letter whose claim has this result, and the result in words.
fn outcome(first: &FirstResult) -> (LetterStatus, String) {
    match first {
        FirstResult::Rejected(_) => (LetterStatus::Discarded, "discarded".into()),
        FirstResult::Committed { first, last, .. } => {
            let result = format!("accepted: events {first} to {last}");
            (LetterStatus::Resolved, result)
        }
        FirstResult::Unchanged { .. } | FirstResult::DeadLettered { .. } => {
            let result = "accepted: there was nothing to change";
            (LetterStatus::Resolved, result.into())
        }
    }
}

fn require_parked(letter: &CommandLetter) -> Result<(), OperatorError> {
    match letter.status {
        LetterStatus::Parked => Ok(()),
        status => Err(OperatorError::Closed {
            id: letter.id,
            status,
        }),
    }
}
