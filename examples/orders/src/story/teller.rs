//! Sends commands and prints their results.

use std::time::{Duration, Instant};

use seriatim::prelude::Uuid;
use seriatim::{
    AnyError, At, CallError, Client, CommandRequest, Domain, ExpectedSequence, FactOrigin,
    FactRequest, FirstResult, MergeStrategy, Message, Metadata, NewFact, Outcome, Payload, Receipt,
    RecordedEvent, Saga, SequenceConflict, StreamId, SubmitError, WaitFor,
};

use crate::order::{OrderCommand, OrderEvent};
use crate::reactions::ReserveStock;
use crate::stock::{Stock, StockCommand};

/// The time that the story waits for what follows by itself. That comes soon; if not, something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

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

    /// Goes on with another order.
    pub(super) fn about(self, stream: StreamId) -> Self {
        Self { stream, ..self }
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
    ) -> Result<(), AnyError> {
        self.send_book(actor, &[command], expected, merge).await
    }

    /// All of the commands, or none.
    pub(super) async fn send_book(
        &self,
        actor: &str,
        commands: &[OrderCommand],
        expected: ExpectedSequence,
        merge: Option<MergeStrategy>,
    ) -> Result<(), AnyError> {
        let commands: Result<Vec<_>, _> = commands.iter().map(Message::encode).collect();
        let mut request = CommandRequest {
            commands: commands?,
            expected,
            merge,
            ..CommandRequest::new(self.stream.clone(), Payload::json("", ""))
        };
        request.metadata.actor = Some(actor.into());
        let what: Vec<_> = request
            .commands
            .iter()
            .map(|command| format!("{command:?}"))
            .collect();
        println!("   {actor:<9} > {}  (expects {expected})", what.join(", "));
        // So that what is shown next is what follows from it.
        let wait = WaitFor::new(vec![ReserveStock::NAME.parse()?]);
        match self.client.submit_and_wait(&request, &wait).await {
            Ok((receipt, handled)) => {
                handled?;
                print_answer(Ok(receipt))
            }
            Err(error) => print_answer(Err(error)),
        }
    }

    pub(super) async fn count(&self, sku: &str, quantity: u32) -> Result<(), AnyError> {
        let sku = sku.to_owned();
        let stream = stock(&sku);
        let command = StockCommand::Count { sku, quantity }.encode()?;
        println!("   {:<9} > {command:?}", "warehouse");
        let request = CommandRequest::new(stream, command);
        self.client.submit(&request).await?;
        Ok(())
    }

    /// Shows how much of the articles is reserved for the order.
    pub(super) async fn show_reserved(&self, articles: &[&str]) -> Result<(), AnyError> {
        let mut reserved = Vec::new();
        for sku in articles {
            reserved.push(format!("{} {sku}", self.reserved(sku).await?));
        }
        println!(
            "   {:<9} : reserved for this order: {}",
            "stock",
            reserved.join(", ")
        );
        Ok(())
    }

    async fn reserved(&self, sku: &str) -> Result<u64, AnyError> {
        let stock = self
            .client
            .state(&stock(sku), At::Current)
            .await?
            .to_json()?;
        let reserved = &stock["reserved"][self.stream.root.to_string()];
        Ok(reserved.as_u64().unwrap_or(0))
    }

    /// Waits for an event of the order that nobody has sent a command for, and shows it.
    pub(super) async fn follows(&self, type_name: &str) -> Result<(), AnyError> {
        let is_it = |event: &RecordedEvent| event.payload.type_name == type_name;
        let events = self.until(&self.stream, is_it).await?;
        if let Some(event) = events.iter().find(|event| is_it(event)) {
            println!("   {:<9} : {} {:?}", "then", event.sequence, event.payload);
        }
        Ok(())
    }

    /// Waits for an event of the stock that is about the order, and shows what happened there for it.
    pub(super) async fn stock_follows(&self, sku: &str, type_name: &str) -> Result<(), AnyError> {
        let order = self.stream.root.to_string();
        let is_ours = |event: &RecordedEvent| {
            let json = event.payload.to_json();
            json.is_some_and(|json| json["order"] == *order)
        };
        let is_it = |event: &RecordedEvent| event.payload.type_name == type_name && is_ours(event);
        let events = self.until(&stock(sku), is_it).await?;
        let ours = events.iter().filter(|event| is_ours(event));
        let ours: Vec<_> = ours.map(|event| event.payload.type_name.as_ref()).collect();
        println!(
            "   {:<9} : {sku} for this order: {}",
            "stock",
            ours.join(", ")
        );
        Ok(())
    }

    /// The events of a stream, as soon as one of them is what is waited for.
    async fn until(
        &self,
        stream: &StreamId,
        is_it: impl Fn(&RecordedEvent) -> bool,
    ) -> Result<Vec<RecordedEvent>, AnyError> {
        let begun = Instant::now();
        loop {
            let mut pages = self.client.events(stream, None, None).await?;
            let mut events = Vec::new();
            while let Some(page) = pages.next().await? {
                events.extend(page);
            }
            if events.iter().any(&is_it) {
                return Ok(events);
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("what should have followed in {stream} did not").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn record(
        &self,
        source: &str,
        event: &OrderEvent,
        description: &str,
        external_id: &str,
    ) -> Result<(), AnyError> {
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

    pub(super) async fn show_state(&self) -> Result<(), AnyError> {
        let view = self.client.state(&self.stream, At::Current).await?;
        let sequence = view
            .sequence
            .map_or_else(|| "none".into(), |sequence| sequence.to_string());
        println!("\nThe order at sequence {sequence}:");
        for line in format!("{:#}", view.tree()?).lines() {
            println!("   {line}");
        }
        Ok(())
    }
}

/// A refusal is part of the story; anything else that goes wrong ends it.
fn print_answer(answer: Result<Receipt, CallError<SubmitError>>) -> Result<(), AnyError> {
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

fn stock(sku: &str) -> StreamId {
    StreamId::new(Domain::of::<Stock>(), Stock::root(sku))
}
