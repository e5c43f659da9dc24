//! Hides the type of a domain's aggregate: one registered domain and its mailboxes.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use seriatim_core::{
    Aggregate, At, Changes, ChangesQuery, Codec, CommandLetter, CommandRequest, ContentHash,
    Domain, ExpectedSequence, FactRequest, FieldViolation, Message, Payload, QueryError, Receipt,
    Rejected, RejectedEffect, Simulation, StateView, StoreError, StoreErrorKind, StreamId,
    SubmitError, ThreeWay, unknown_fields,
};
use seriatim_schema::DomainSchema;
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::admission::Place;
use crate::answer::store_failed;
use crate::guard::guarded;
use crate::intake::{self, Taken};
use crate::job::Job;
use crate::mailbox::Mailboxes;
use crate::meter::{Asked, DomainMeter};
use crate::preparation::Preparation;
use crate::shared::Shared;
use crate::states::StatesOf;
use crate::{changes, three_way, view};

/// A description of a domain: the names of its types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainInfo {
    /// The domain.
    pub domain: Domain,
    /// The type names of its commands.
    pub commands: &'static [&'static str],
    /// The codec of its commands.
    pub command_codec: Codec,
    /// The type names of its events.
    pub events: &'static [&'static str],
    /// The codec of its events.
    pub event_codec: Codec,
}

/// A domain, without its aggregate's type.
#[async_trait]
pub(crate) trait Host: Send + Sync + fmt::Debug {
    fn info(&self) -> DomainInfo;

    /// Returns what its messages look like.
    fn schema(&self) -> DomainSchema;

    /// Returns its metrics.
    fn meter(&self) -> &DomainMeter;

    /// Reports the metrics that are measured rather than counted.
    fn observe(&self);

    /// Returns the fields in the JSON of commands that their types do not have, each under the name of its command, and
    /// whether these commands can be decoded. Those of a command that cannot come after the reason.
    fn unknown_fields(&self, commands: &[Payload]) -> (Vec<FieldViolation>, bool);

    /// Runs a command that was admitted.
    async fn submit(&self, request: CommandRequest, place: Place) -> Result<Receipt, SubmitError>;

    /// Records a fact that was admitted.
    async fn record(&self, request: FactRequest, place: Place) -> Result<Receipt, SubmitError>;

    /// Tells the source of an effect that it was rejected.
    async fn hand_back(&self, effect: RejectedEffect, place: Place)
    -> Result<Receipt, SubmitError>;

    /// Claims the letter's single decision and decides what is `sent` for it on the current state: its command, or another
    /// one in its place. If the stream is not at the
    /// expected sequence, it is refused as [`Strict`](seriatim_core::MergeStrategy::Strict) refuses.
    async fn resubmit(
        &self,
        letter: &CommandLetter,
        sent: &CommandRequest,
        expected: ExpectedSequence,
        place: Place,
    ) -> Result<Receipt, SubmitError>;

    /// Claims the letter's single decision and records a fact, whose external id is spent in the same commit. With `None`
    /// only the letter is closed.
    async fn record_for(
        &self,
        letter: &CommandLetter,
        fact: Option<&FactRequest>,
        content: ContentHash,
        place: Place,
    ) -> Result<Receipt, SubmitError>;

    /// Claims the letter's single decision and records the discard. If that succeeds, the answer is the rejection
    /// `refusal`.
    async fn discard(
        &self,
        letter: &CommandLetter,
        refusal: Rejected,
        place: Place,
    ) -> Result<Receipt, SubmitError>;

    async fn simulate(&self, request: CommandRequest, at: At) -> Result<Simulation, SubmitError>;

    /// Returns what resubmitting the letter now would do.
    async fn simulate_letter(&self, letter: &CommandLetter) -> Result<Simulation, SubmitError>;

    async fn state(&self, stream: &StreamId, at: At) -> Result<StateView, QueryError>;

    async fn changes(&self, stream: &StreamId, query: ChangesQuery) -> Result<Changes, QueryError>;

    async fn examine(&self, letter: CommandLetter) -> Result<ThreeWay, QueryError>;
}

/// A domain of aggregates `A`.
pub(crate) struct HostOf<A: Aggregate> {
    domain: Domain,
    shared: Arc<Shared>,
    mailboxes: Arc<Mailboxes<A>>,
    prepare: Option<Arc<dyn Preparation<A>>>,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate> fmt::Debug for HostOf<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostOf")
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

impl<A: Aggregate> HostOf<A> {
    /// Makes a host; `number` tells it from the other domains of its coordinator.
    pub(crate) fn new(
        number: usize,
        shared: Arc<Shared>,
        prepare: Option<Arc<dyn Preparation<A>>>,
    ) -> Self {
        let domain = Domain::of::<A>();
        let meter = DomainMeter::new(&domain);
        Self {
            mailboxes: Arc::new(Mailboxes::new(StatesOf::new(&shared.states, number), meter)),
            domain,
            shared,
            prepare,
            aggregate: PhantomData,
        }
    }

    /// Puts the work into its stream's mailbox. Waits for the answer.
    async fn post(
        &self,
        stream: StreamId,
        taken: Result<Taken<A>, SubmitError>,
        asked: Asked,
        place: Place,
    ) -> Result<Receipt, SubmitError> {
        let begun = Instant::now();
        let (asked, answer) = match taken {
            Ok(taken) => {
                let asked = taken
                    .strategy()
                    .map_or(asked, |strategy| Asked::Command(Some(strategy)));
                let span =
                    tracing::debug_span!("request", %stream, correlation_id = taken.correlation_id);
                (
                    asked,
                    self.answer(stream, taken, place).instrument(span).await,
                )
            }
            Err(error) => (asked, Err(error)),
        };
        let meter = self.mailboxes.meter();
        meter.answered(asked, &answer, begun.elapsed());
        answer
    }

    async fn answer(
        &self,
        stream: StreamId,
        taken: Taken<A>,
        place: Place,
    ) -> Result<Receipt, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            work: taken.work,
            claim: taken.claim,
            is_effect: taken.is_effect,
            correlation_id: taken.correlation_id,
            attempts: 0,
            reply,
            place,
        };
        self.mailboxes.post(&self.shared, stream, job);
        answer.await.unwrap_or_else(|_| {
            let error = StoreError::new(
                "answer",
                StoreErrorKind::Unavailable,
                "the task that handles this stream has ended",
            );
            Err(store_failed(&self.shared, error))
        })
    }

    async fn take(&self, request: CommandRequest) -> Result<Taken<A>, SubmitError> {
        intake::commands(&self.shared, self.prepare.as_ref(), request).await
    }

    async fn take_out_of(
        &self,
        letter: &CommandLetter,
        sent: &CommandRequest,
        expected: ExpectedSequence,
    ) -> Result<Taken<A>, SubmitError> {
        let request = CommandRequest {
            effect: None,
            ..sent.clone()
        };
        let taken = self.take(request).await?;
        Ok(taken.out_of(letter, sent, expected))
    }
}

#[async_trait]
impl<A: Aggregate> Host for HostOf<A> {
    fn info(&self) -> DomainInfo {
        DomainInfo {
            domain: self.domain.clone(),
            commands: A::Command::TYPE_NAMES,
            command_codec: A::Command::CODEC,
            events: A::Event::TYPE_NAMES,
            event_codec: A::Event::CODEC,
        }
    }

    fn schema(&self) -> DomainSchema {
        DomainSchema::of::<A>(&self.shared.descriptors)
    }

    fn unknown_fields(&self, commands: &[Payload]) -> (Vec<FieldViolation>, bool) {
        let mut found = Vec::new();
        let mut all_fit = true;
        if A::Command::CODEC != Codec::Json {
            return (found, all_fit);
        }
        for (at, payload) in commands.iter().enumerate() {
            let of_command = || unknown_fields::<A::Command>(&A::upcast_command(payload.clone()));
            // A panic in the type's own code is told when the command is taken.
            let Ok((fields, error)) = guarded("deserialize", of_command) else {
                continue;
            };
            if fields.is_empty() {
                continue;
            }
            all_fit &= error.is_none();
            let fields = fields.iter().map(ToString::to_string);
            let told = error
                .map(|error| error.to_string())
                .into_iter()
                .chain(fields);
            let place = format!("pages[{at}].command");
            found.extend(told.map(|told| FieldViolation::new(place.clone(), told)));
        }
        (found, all_fit)
    }

    fn meter(&self) -> &DomainMeter {
        self.mailboxes.meter()
    }

    fn observe(&self) {
        self.mailboxes.observe();
    }

    async fn submit(&self, request: CommandRequest, place: Place) -> Result<Receipt, SubmitError> {
        let stream = request.stream.clone();
        let asked = Asked::Command(request.merge);
        let taken = self.take(request).await;
        self.post(stream, taken, asked, place).await
    }

    async fn record(&self, request: FactRequest, place: Place) -> Result<Receipt, SubmitError> {
        let taken = intake::facts(&self.shared, &request);
        self.post(request.stream, taken, Asked::Fact, place).await
    }

    async fn hand_back(
        &self,
        effect: RejectedEffect,
        place: Place,
    ) -> Result<Receipt, SubmitError> {
        let source = effect.effect.source.clone();
        let taken = intake::returned(effect);
        self.post(source, Ok(taken), Asked::HandBack, place).await
    }

    async fn resubmit(
        &self,
        letter: &CommandLetter,
        sent: &CommandRequest,
        expected: ExpectedSequence,
        place: Place,
    ) -> Result<Receipt, SubmitError> {
        let taken = self.take_out_of(letter, sent, expected).await;
        let stream = letter.stream().clone();
        self.post(stream, taken, Asked::Command(None), place).await
    }

    async fn record_for(
        &self,
        letter: &CommandLetter,
        fact: Option<&FactRequest>,
        content: ContentHash,
        place: Place,
    ) -> Result<Receipt, SubmitError> {
        let taken = match fact {
            Some(fact) => intake::facts(&self.shared, fact),
            None => Ok(intake::nothing(letter)),
        };
        let taken = taken.map(|taken| taken.closing(letter, content));
        let stream = letter.stream().clone();
        self.post(stream, taken, Asked::Fact, place).await
    }

    async fn discard(
        &self,
        letter: &CommandLetter,
        refusal: Rejected,
        place: Place,
    ) -> Result<Receipt, SubmitError> {
        let taken = intake::discarded(letter, refusal);
        let stream = letter.stream().clone();
        self.post(stream, Ok(taken), Asked::Command(None), place)
            .await
    }

    async fn simulate(&self, request: CommandRequest, at: At) -> Result<Simulation, SubmitError> {
        let stream = request.stream.clone();
        let taken = self.take(request).await?;
        view::simulate(&self.shared, stream, taken, at).await
    }

    async fn simulate_letter(&self, letter: &CommandLetter) -> Result<Simulation, SubmitError> {
        let any = ExpectedSequence::Any;
        let taken = self.take_out_of(letter, &letter.request, any).await?;
        view::simulate(&self.shared, letter.stream().clone(), taken, At::Current).await
    }

    async fn state(&self, stream: &StreamId, at: At) -> Result<StateView, QueryError> {
        view::state::<A>(&self.shared, stream, at).await
    }

    async fn changes(&self, stream: &StreamId, query: ChangesQuery) -> Result<Changes, QueryError> {
        changes::changes::<A>(&self.shared, stream, query).await
    }

    async fn examine(&self, letter: CommandLetter) -> Result<ThreeWay, QueryError> {
        three_way::examine::<A>(&self.shared, letter).await
    }
}
