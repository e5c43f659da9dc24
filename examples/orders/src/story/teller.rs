//! Sends, and prints what came of it.

use std::error::Error;

use seriatim::CallError;
use seriatim::Client;
use seriatim::core::{
    At, CommandRequest, ExpectedSequence, FactOrigin, FactRequest, FirstResult, MergeStrategy,
    Message, Metadata, NewFact, Outcome, Receipt, SequenceConflict, StreamId, SubmitError,
};
use seriatim::prelude::Uuid;

use crate::order::{OrderCommand, OrderEvent};

pub(super) struct Teller {
    client: Client,
    stream: StreamId,
    chapter: u32,
}

impl Teller {
    pub(super) fn new(client: Client, stream: StreamId) -> Self {
        Self {
            client,
            stream,
            chapter: 0,
        }
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.chapter += 1;
        println!("\n{}. {text}", self.chapter);
    }

    pub(super) async fn send(
        &self,
        actor: &str,
        command: OrderCommand,
        expected: ExpectedSequence,
        merge: Option<MergeStrategy>,
    ) -> Result<(), Box<dyn Error>> {
        let mut request = CommandRequest::new(self.stream.clone(), command.encode()?);
        request.expected = expected;
        request.merge = merge;
        request.metadata.actor = Some(actor.into());
        let what = format!("{:?}", request.commands[0]);
        println!("   {actor:<9} > {what}  (expects {expected})");
        print_answer(self.client.submit(&request).await)
    }

    pub(super) async fn record(
        &self,
        source: &str,
        event: &OrderEvent,
        description: &str,
        external_id: &str,
    ) -> Result<(), Box<dyn Error>> {
        let payload = event.encode()?;
        println!("   {source:<9} ! {payload:?}  (external id {external_id})");
        let origin = FactOrigin {
            source: source.into(),
            description: description.into(),
        };
        let request = FactRequest {
            id: Uuid::now_v7(),
            stream: self.stream.clone(),
            facts: vec![NewFact { payload, origin }],
            route_to_aggregate: None,
            metadata: Metadata {
                external_id: Some(external_id.into()),
                ..Metadata::default()
            },
            effect: None,
        };
        print_answer(self.client.record(&request).await)
    }

    pub(super) async fn show_state(&self) -> Result<(), Box<dyn Error>> {
        let view = self.client.state(&self.stream, At::Current).await?;
        let sequence = view
            .sequence
            .map_or_else(|| "none".into(), |sequence| sequence.to_string());
        println!("\nThe order at sequence {sequence}:");
        for line in serde_json::to_string_pretty(&view.state)?.lines() {
            println!("   {line}");
        }
        Ok(())
    }
}

/// A refusal is part of the story; anything else that goes wrong ends it.
fn print_answer(answer: Result<Receipt, CallError<SubmitError>>) -> Result<(), Box<dyn Error>> {
    let text = match answer {
        Ok(receipt) => outcome(&receipt.outcome),
        Err(CallError::Refused(SubmitError::Conflict(conflict))) => refused(&conflict),
        Err(CallError::Refused(SubmitError::Rejected(rejected))) => {
            format!("rejected ({}): {}", rejected.code, rejected.message)
        }
        Err(error) => return Err(error.into()),
    };
    println!("   {:<9} = {text}", "");
    Ok(())
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Committed(commit) => {
            let events: Vec<_> = commit
                .events
                .iter()
                .map(|event| format!("{} {}", event.sequence, event.payload.type_name))
                .collect();
            let how = if commit.merged {
                "merged, committed"
            } else {
                "committed"
            };
            format!("{how}: {}", events.join(", "))
        }
        Outcome::Unchanged { .. } => "nothing to change".into(),
        Outcome::DeadLettered { id, reason } => format!("parked as letter {id}: {reason}"),
        Outcome::Duplicate(FirstResult::Committed { first, last, .. }) => {
            format!("a duplicate; recorded the first time as {first} to {last}")
        }
        Outcome::Duplicate(
            FirstResult::Unchanged { .. }
            | FirstResult::DeadLettered { .. }
            | FirstResult::Rejected(_),
        ) => "a duplicate".into(),
    }
}

fn refused(conflict: &SequenceConflict) -> String {
    let events: Vec<_> = conflict
        .intervening
        .iter()
        .map(|event| format!("{} {}", event.sequence, event.payload.type_name))
        .collect();
    format!(
        "refused: {}; {}; since then: {}",
        conflict.conflict,
        conflict.reason,
        events.join(", ")
    )
}
