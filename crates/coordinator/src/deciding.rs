//! Carries out what a person decides about a parked command.
//!
//! A decision about a letter spends a claim of its stream, in the commit that carries it out. So of several people only
//! one decides, and after a crash the claim tells the letter's outcome, even if the letter does not.

use serde_json::json;
use seriatim_core::{
    Action, Attempt, ClaimKey, ClaimRecord, CommandLetter, CommandRequest, ConflictReason,
    ContentHash, Decider, Decision, ExpectedSequence, FactRequest, FieldViolation, FirstResult,
    HappenedAnyway, LetterStatus, Metadata, OperatorError, Outcome, Payload, QueryError, Receipt,
    Rejected, StoreError, SubmitError, Timestamp, Tried, UnknownFieldRule,
};
use uuid::Uuid;

use crate::Coordinator;
use crate::intake::correlation;

/// The most bytes of edited commands that a letter keeps in its history; the latest are always kept.
const EDITED_BYTES: usize = 256 * 1024;

/// The key of the time in the rejection that marks a discard.
const AT: &str = "at";
const ACTOR: &str = "actor";

impl Coordinator {
    /// Carries out a decision about a parked command. Returns the letter after that, or `None` if there is none.
    pub(crate) async fn carry_out(
        &self,
        decision: &Decision,
    ) -> Result<Option<CommandLetter>, OperatorError> {
        let Some(letter) = self.store().letter(decision.letter).await? else {
            return Ok(None);
        };
        require_parked(&letter)?;
        let refusal = refusal(decision);
        let action = &decision.action;
        let answer = self.act(&letter, decision, &refusal).await?;
        let answer = match answer {
            // It says nothing about the letter, and it may have been carried out all the same.
            Err(error) if error.is_of_the_moment() => return Err(error.into()),
            answer => answer,
        };
        if let Some(error) = untried(&letter, action, &answer) {
            return Err(error);
        }
        let key = ClaimKey::Letter(letter.id).to_string();
        let claim = self.store().find_claim(letter.stream(), &key).await?;
        let is_ours = is_ours(action, &answer, claim.as_ref(), &refusal);
        let (status, mut result) = result(claim.as_ref(), &answer, action);
        if !is_ours {
            result = format!("too late, somebody else was first: {result}");
        }
        let (verb, actor, reason) = (action.name(), &decision.actor, &decision.reason);
        let stream = letter.stream();
        tracing::info!(%stream, letter = %letter.id, verb, actor, reason, result, "a letter was decided about");
        let attempt = Attempt {
            at: Timestamp::now(),
            actor: actor.clone(),
            reason: reason.clone(),
            result,
            tried: Some(action.tried()),
            closes: is_ours && status != LetterStatus::Parked,
        };
        let letter = self.note(letter, attempt, status).await?;
        match claim {
            Some(claim) if !is_ours => Err(self.closed_by_claim(&letter, &claim.first).await),
            _ => Ok(Some(letter)),
        }
    }

    async fn act(
        &self,
        letter: &CommandLetter,
        decision: &Decision,
        refusal: &Rejected,
    ) -> Result<Result<Receipt, SubmitError>, OperatorError> {
        let host = self.host_to_ask(&letter.stream().domain)?;
        let edited = match &decision.action {
            Action::Edit { commands, .. } => Some(self.edited(letter, commands, decision)?),
            Action::Record(happened) => {
                return self.record_for(letter, happened, decision).await;
            }
            Action::Resubmit { .. } | Action::Discard => None,
        };
        let sent = edited.as_ref().unwrap_or(&letter.request);
        let place = match self.place(sent.commands.iter()) {
            Ok(place) => place,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match &decision.action {
            Action::Resubmit { expected } | Action::Edit { expected, .. } => {
                host.resubmit(letter, sent, *expected, place).await
            }
            Action::Discard => host.discard(letter, refusal.clone(), place).await,
            Action::Record(_) => unreachable!("it was recorded above"),
        })
    }

    /// Records what happened anyway. If it was recorded before, only the letter is closed.
    async fn record_for(
        &self,
        letter: &CommandLetter,
        happened: &HappenedAnyway,
        decision: &Decision,
    ) -> Result<Result<Receipt, SubmitError>, OperatorError> {
        let stream = letter.stream();
        let host = self.host_to_ask(&stream.domain)?;
        let fact = self.fact(letter, happened, decision)?;
        let content = ContentHash::of_fact(&fact);
        let place = || self.place(fact.facts.iter().map(|fact| &fact.payload));
        let answer = match place() {
            Ok(place) => host.record_for(letter, Some(&fact), content, place).await,
            Err(error) => return Ok(Err(error)),
        };
        let is_repeated = match &answer {
            Ok(receipt) => matches!(receipt.outcome, Outcome::Duplicate(_)),
            Err(error) => matches!(error, SubmitError::ExternalIdReused { .. }),
        };
        let key = ClaimKey::Letter(letter.id).to_string();
        if !is_repeated || self.store().find_claim(stream, &key).await?.is_some() {
            return Ok(answer);
        }
        // The letter is not decided, so it is the external id of the fact that was spent before.
        let external_id = &happened.external_id;
        match self.store().find_claim(stream, external_id).await? {
            Some(before) if before.content == content => Ok(match place() {
                Ok(place) => host.record_for(letter, None, content, place).await,
                Err(error) => Err(error),
            }),
            Some(before) => Err(OperatorError::from(SubmitError::ExternalIdReused {
                stream: stream.clone(),
                external_id: external_id.clone(),
                first: before.first,
            })),
            None => Ok(answer),
        }
    }

    /// Returns the fact to record: it is caused by the letter, and belongs to its workflow.
    fn fact(
        &self,
        letter: &CommandLetter,
        happened: &HappenedAnyway,
        decision: &Decision,
    ) -> Result<FactRequest, SubmitError> {
        let request = FactRequest {
            id: Uuid::now_v7(),
            stream: letter.stream().clone(),
            facts: vec![happened.fact.clone()],
            route_to_aggregate: happened.route_to_aggregate,
            metadata: Metadata {
                external_id: Some(happened.external_id.clone()).filter(|id| !id.is_empty()),
                ..caused_by(letter, decision)
            },
            effect: None,
        };
        let mut violations = of_fact(&self.limits().check_fact(&request));
        if happened.fact.origin.description.trim().is_empty() {
            let wrong = "say what happened, for those who read the history of the stream";
            violations.push(FieldViolation::new("description", wrong));
        }
        match violations.is_empty() {
            true => Ok(request),
            false => Err(SubmitError::Invalid(violations)),
        }
    }

    /// Returns the request that takes the place of the one in the letter: it is caused by the letter, and belongs to its
    /// workflow.
    fn edited(
        &self,
        letter: &CommandLetter,
        commands: &[Payload],
        decision: &Decision,
    ) -> Result<CommandRequest, SubmitError> {
        let parked = &letter.request;
        let request = CommandRequest {
            id: Uuid::now_v7(),
            stream: parked.stream.clone(),
            commands: commands.to_vec(),
            expected: ExpectedSequence::Any,
            merge: None,
            premises: Vec::new(),
            metadata: caused_by(letter, decision),
            effect: None,
        };
        let violations = self.limits().check_command(&request);
        if !violations.is_empty() {
            return Err(SubmitError::Invalid(of_commands(&violations)));
        }
        // A person has written it, who cannot have meant a field that does nothing.
        match self.check_fields(&request, UnknownFieldRule::Refuse) {
            Err(SubmitError::Invalid(found)) => Err(SubmitError::Invalid(of_commands(&found))),
            checked => checked.map(|_| request),
        }
    }

    /// Adds an attempt to a letter, behind those that others have added meanwhile.
    async fn note(
        &self,
        mut letter: CommandLetter,
        attempt: Attempt,
        status: LetterStatus,
    ) -> Result<CommandLetter, OperatorError> {
        loop {
            letter.attempts.push(attempt.clone());
            leave_out_old_edits(&mut letter.attempts);
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

    /// Returns the error of a letter whose claim was spent with this result. Who decided is read from the letter, or from
    /// what the decision has left in the log.
    pub(crate) async fn closed_by_claim(
        &self,
        letter: &CommandLetter,
        first: &FirstResult,
    ) -> OperatorError {
        let (status, _) = outcome(first);
        let by = match letter.closer() {
            Some(by) => Some(by),
            // Not to know who it was is no reason to fail in another way.
            None => self.decider(letter, first).await.ok().flatten(),
        };
        let id = letter.id;
        OperatorError::Closed { id, status, by }
    }

    async fn decider(
        &self,
        letter: &CommandLetter,
        first: &FirstResult,
    ) -> Result<Option<Decider>, StoreError> {
        match first {
            FirstResult::Rejected(rejected) => Ok(discarder(rejected)),
            FirstResult::Committed { last, .. } => {
                let events = self.store().read_stream(letter.stream(), *last, 1).await?;
                let event = events.into_iter().find(|event| event.sequence == *last);
                Ok(event.map(|event| Decider {
                    // The events of a command that was resubmitted as it was name its sender.
                    actor: (event.metadata.causation_id == Some(letter.id))
                        .then(|| event.metadata.actor.clone())
                        .flatten(),
                    at: event.recorded_at,
                }))
            }
            FirstResult::Unchanged { .. } | FirstResult::DeadLettered { .. } => Ok(None),
        }
    }
}

/// Returns the metadata of what takes the place of a parked command.
fn caused_by(letter: &CommandLetter, decision: &Decision) -> Metadata {
    let parked = &letter.request;
    Metadata {
        correlation_id: Some(correlation(&parked.metadata, parked.id)),
        causation_id: Some(letter.id),
        external_id: parked.metadata.external_id.clone(),
        actor: decision.actor.clone(),
        origin: None,
        sent_at: None,
        depth: parked.metadata.depth,
    }
}

/// Returns whether the claim was spent by this decision, or by none.
fn is_ours(
    action: &Action,
    answer: &Result<Receipt, SubmitError>,
    claim: Option<&ClaimRecord>,
    refusal: &Rejected,
) -> bool {
    let Some(claim) = claim else {
        return true;
    };
    match (action, answer) {
        (Action::Resubmit { .. } | Action::Edit { .. } | Action::Record(_), Ok(receipt)) => {
            !matches!(receipt.outcome, Outcome::Duplicate(_))
        }
        (Action::Resubmit { .. } | Action::Edit { .. } | Action::Record(_), Err(_)) => false,
        (Action::Discard, _) => {
            matches!(&claim.first, FirstResult::Rejected(first) if **first == *refusal)
        }
    }
}

/// Returns the error if nothing was tried: the stream is not where the person saw it, or what was edited is not a command
/// of the domain. Nothing was written then, and nobody has decided before.
fn untried(
    letter: &CommandLetter,
    action: &Action,
    answer: &Result<Receipt, SubmitError>,
) -> Option<OperatorError> {
    match (action, answer) {
        (Action::Edit { .. }, Err(SubmitError::Invalid(violations))) => {
            Some(SubmitError::Invalid(of_commands(violations)).into())
        }
        (Action::Record(_), Err(SubmitError::Invalid(violations))) => {
            Some(SubmitError::Invalid(of_fact(violations)).into())
        }
        (_, Err(SubmitError::Conflict(refused))) => {
            let conflict = refused.conflict;
            let is_moved =
                refused.reason == ConflictReason::Strict && conflict.expected == action.expected();
            is_moved.then(|| OperatorError::Moved {
                id: letter.id,
                stream: letter.stream().clone(),
                conflict,
            })
        }
        _ => None,
    }
}

/// Names the fields of edited commands as who has edited them knows them.
fn of_commands(violations: &[FieldViolation]) -> Vec<FieldViolation> {
    let violations = violations.iter().cloned();
    violations
        .map(|violation| {
            let field = violation.field.strip_prefix("pages");
            let field = field.map(|rest| format!("commands{}", rest.replace(".command", "")));
            FieldViolation {
                field: field.unwrap_or(violation.field),
                ..violation
            }
        })
        .collect()
}

/// Names the fields of a fact as who has written it knows them.
fn of_fact(violations: &[FieldViolation]) -> Vec<FieldViolation> {
    let violations = violations.iter().cloned();
    violations
        .map(|violation| {
            let field = violation.field.rsplit('.').next();
            FieldViolation {
                field: field.unwrap_or_default().to_owned(),
                ..violation
            }
        })
        .collect()
}

/// Leaves the commands of older edits out if there are too many bytes of them.
fn leave_out_old_edits(attempts: &mut [Attempt]) {
    let mut bytes = 0;
    for (age, attempt) in attempts.iter_mut().rev().enumerate() {
        let Some(Tried::Edit { commands: tried } | Tried::Record { facts: tried, .. }) =
            &mut attempt.tried
        else {
            continue;
        };
        bytes += tried
            .iter()
            .map(|payload| payload.data.len())
            .sum::<usize>();
        if age > 0 && bytes > EDITED_BYTES {
            tried.clear();
        }
    }
}

/// Returns the rejection that marks a discard; its attempt tells it from all others.
fn refusal(decision: &Decision) -> Rejected {
    let reason = decision.reason.clone().unwrap_or_default();
    Rejected {
        code: Rejected::DISCARDED.into(),
        message: format!("the parked command was discarded: {reason}"),
        fields: vec![
            (ACTOR.into(), json!(decision.actor)),
            (AT.into(), json!(Timestamp::now())),
            ("attempt".into(), json!(Uuid::now_v7())),
        ],
    }
}

/// Returns who made the rejection that marks a discard; `None` if it was made by a program that did not write the time
/// down.
fn discarder(rejected: &Rejected) -> Option<Decider> {
    let mut fields = rejected.fields.iter();
    let (_, at) = fields.clone().find(|(name, _)| name == AT)?;
    let actor = fields.find(|(name, _)| name == ACTOR);
    Some(Decider {
        actor: actor.and_then(|(_, actor)| Some(actor.as_str()?.to_owned())),
        at: serde_json::from_value(at.clone()).ok()?,
    })
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
                Action::Resubmit { .. } | Action::Edit { .. } => "accepted",
                Action::Record(_) => "recorded",
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

pub(crate) fn require_parked(letter: &CommandLetter) -> Result<(), OperatorError> {
    match letter.status {
        LetterStatus::Parked => Ok(()),
        status => Err(OperatorError::Closed {
            id: letter.id,
            status,
            by: letter.closer(),
        }),
    }
}
